import type { BigIntStats, Dirent } from 'node:fs';
import { lstat, readdir, readFile, readlink, realpath, stat } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { errnoOf, MusterError, unreadable } from '@muster/core';
import { changed } from '@muster/engines';
import { requirePlainName } from './companion-digest.js';
import { companionChanged, MOST_FILES, missing, tooMany, unusable } from './companion-place.js';

/** What a file or directory of this machine is, looked at without a read. */
export interface Survey {
  /** Without links on the way. */
  readonly path: string;
  readonly isDirectory: boolean;
  readonly files: readonly SurveyedFile[];
  /** Directories and links too: whether anything of it changed. */
  readonly facts: ReadonlyMap<string, BigIntStats>;
  /** In a scratch it is, as it is here, what was surveyed: all may read it, and no link depends on where it lies. */
  readonly showable: boolean;
  readonly sizeBytes: number;
}

export interface SurveyedFile {
  /** In the companion; empty where that is a file. */
  readonly path: string;
  /** Absolute, without links. */
  readonly real: string;
  readonly facts: BigIntStats;
}

/** `o+r`, and `o+rx` of a directory. */
const OTHERS_READ = 0o004n;
const OTHERS_LIST = 0o005n;

interface Walk {
  readonly location: string;
  readonly root: string;
  readonly signal: AbortSignal;
  readonly files: SurveyedFile[];
  readonly facts: Map<string, BigIntStats>;
  showable: boolean;
}

/**
 * Walks a companion. Links are followed that lead to something in it.
 * @throws `companion_missing`, `companion_unusable`, `backup_unreadable`.
 */
export async function survey(from: string, location: string, signal: AbortSignal): Promise<Survey> {
  try {
    const root = await realpath(from).catch((error: unknown) => {
      throw isAbsent(error) ? missing(location) : error;
    });
    const facts = await stat(root, { bigint: true });
    const walk: Walk = { location, root, signal, files: [], facts: new Map(), showable: true };
    if (facts.isDirectory()) await walkDirectory(walk, root, '', facts, []);
    else addFile(walk, root, '', facts);
    if (walk.files.length === 0) throw missing(location);
    const { files } = walk;
    return {
      path: root,
      isDirectory: facts.isDirectory(),
      files,
      facts: walk.facts,
      showable: walk.showable && !(await hasMountsBelow(root)),
      sizeBytes: files.reduce((sum, file) => sum + Number(file.facts.size), 0),
    };
  } catch (error) {
    signal.throwIfAborted();
    throw readFault(location, error);
  }
}

/** Whether both times the same was there. */
export const isSame = (before: Survey, after: Survey): boolean =>
  before.path === after.path &&
  before.facts.size === after.facts.size &&
  [...before.facts].every(([path, facts]) => {
    const now = after.facts.get(path);
    return now !== undefined && !changed(facts, now);
  });

/** `above`: the directories that it is in, by their real paths. */
async function walkDirectory(
  walk: Walk,
  real: string,
  path: string,
  facts: BigIntStats,
  above: readonly string[],
): Promise<void> {
  walk.signal.throwIfAborted();
  if (above.includes(real)) throw unusable(walk.location, `the link ${path} leads back to what it lies in`);
  walk.facts.set(path, facts);
  if ((facts.mode & OTHERS_LIST) !== OTHERS_LIST) walk.showable = false;
  for (const entry of await readdir(real, { withFileTypes: true })) {
    await visit(walk, entry, real, path === '' ? entry.name : `${path}/${entry.name}`, [...above, real]);
  }
}

async function visit(
  walk: Walk,
  entry: Dirent,
  directory: string,
  path: string,
  above: readonly string[],
): Promise<void> {
  const { location, root } = walk;
  requirePlainName(path, location);
  if (walk.facts.size > MOST_FILES) throw tooMany(location);
  const here = join(directory, entry.name);
  const own = await lstat(here, { bigint: true });
  const real = own.isSymbolicLink() ? await targetOf(walk, here, path) : here;
  const facts = own.isSymbolicLink() ? await stat(real, { bigint: true }) : own;
  if (own.isSymbolicLink()) {
    // What it leads to has an entry of its own.
    walk.facts.set(`${path}\0link`, own);
    if (!isKept(relative(root, directory), await readlink(here))) walk.showable = false;
  }
  if (facts.isDirectory()) await walkDirectory(walk, real, path, facts, above);
  else addFile(walk, real, path, facts);
}

function addFile(walk: Walk, real: string, path: string, facts: BigIntStats): void {
  if (!facts.isFile()) {
    const what = path === '' ? 'it' : path;
    throw unusable(walk.location, `${what} is no file or directory, but a pipe, a socket or a device`);
  }
  if ((facts.mode & OTHERS_READ) === 0n) walk.showable = false;
  walk.facts.set(path, facts);
  walk.files.push({ path, real, facts });
}

/** Where a link ends. */
async function targetOf({ root, location }: Walk, link: string, path: string): Promise<string> {
  const real = await realpath(link).catch((error: unknown) => {
    throw isAbsent(error) || errnoOf(error) === 'ELOOP'
      ? unusable(location, `the link ${path} in it leads nowhere`)
      : error;
  });
  if (real === root || real.startsWith(`${root}/`)) return real;
  throw unusable(location, `the link ${path} in it leads out of it`);
}

/** Whether a link means the same wherever the companion lies: up within it, then down. `directory`: that it lies in. */
function isKept(directory: string, target: string): boolean {
  const steps = target.split('/').filter((step) => step !== '' && step !== '.');
  const ups = steps.findIndex((step) => step !== '..');
  const depth = directory === '' ? 0 : directory.split('/').length;
  return !target.startsWith('/') && ups >= 0 && ups <= depth && !steps.slice(ups).includes('..');
}

/** What is mounted in it would be shown in a scratch by rules of its own. */
async function hasMountsBelow(root: string): Promise<boolean> {
  const mounts = await readFile('/proc/self/mountinfo', 'utf8').catch(() => '');
  return mounts.split('\n').some((line) => {
    const point = line.split(' ')[4] ?? '';
    return point
      .replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)))
      .startsWith(`${root}/`);
  });
}

const isAbsent = (error: unknown): boolean => ['ENOENT', 'ENOTDIR'].includes(errnoOf(error) ?? '');

/** What an error means while a companion that was there is looked at or read. */
export function readFault(location: string, error: unknown): unknown {
  if (error instanceof MusterError || errnoOf(error) === undefined) return error;
  if (isAbsent(error)) return companionChanged(location, error);
  return unreadable(`The companion ${location}`, error);
}
