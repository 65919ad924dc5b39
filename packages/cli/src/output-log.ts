import { appendFileSync, type Stats } from 'node:fs';
import { lstat, readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { DRILL_ID, MusterError } from '@muster/core';
import { ensurePrivate } from './places.js';

const KEPT_MS = 7 * 24 * 60 * 60 * 1000;
/** Of one drill: what comes after is counted and left out. */
const LARGEST = 4 * 1024 * 1024;

/** What tools and servers printed during drills: it stays on this machine, 0600, for seven days. */
export interface OutputLog {
  append(drillId: string, text: string): void;
  /** @throws `usage` where that is no id, `evidence_not_found` where there is none, or no longer. */
  read(drillId: string): Promise<string>;
  pathOf(drillId: string): string;
}

/** Opens the diagnosis files under `<state>/output`, and removes those that are too old. @throws `state_unwritable`. */
export async function openOutputLog(state: string, now: () => Date, largest = LARGEST): Promise<OutputLog> {
  await ensurePrivate(state);
  const directory = await ensurePrivate(join(state, 'output'));
  await removeOld(directory, now());
  const pathOf = (drillId: string): string => join(directory, `${drillId}.log`);
  const written = new Map<string, number>();

  return {
    pathOf,
    append(drillId, text) {
      const before = written.get(drillId) ?? 0;
      if (before >= largest) return;
      const bytes = Buffer.from(text);
      const room = largest - before;
      written.set(drillId, before + bytes.length);
      const kept = bytes.length <= room ? bytes : Buffer.concat([bytes.subarray(0, room), CUT]);
      try {
        appendFileSync(pathOf(drillId), kept, { mode: 0o600 });
      } catch {
        // A full disk of the worker must not turn a drill red: the diagnosis is lost, the verdict is not.
        written.set(drillId, largest);
      }
    },
    async read(drillId) {
      if (!DRILL_ID.test(drillId))
        throw new MusterError('usage', 'That is not the id of a drill: ids are drl_ and 26 characters.');
      try {
        return await readFile(pathOf(drillId), 'utf8');
      } catch (cause) {
        throw new MusterError(
          'evidence_not_found',
          `There is no diagnosis of ${drillId} on this machine (${pathOf(drillId)}): ` +
            'it is written where the drill ran, if anything was printed, and kept for 7 days.',
          { cause },
        );
      }
    },
  };
}

/** Whatever else somebody keeps there stays. */
async function removeOld(directory: string, now: Date): Promise<void> {
  for (const name of await readdir(directory)) {
    if (!OWN.test(name)) continue;
    const path = join(directory, name);
    const facts: Stats | undefined = await lstat(path).catch(() => undefined);
    const isOld = facts?.isFile() === true && now.getTime() - facts.mtimeMs > KEPT_MS;
    if (isOld) await rm(path, { force: true });
  }
}

/** Of a drill, a take, a rehearsal, a restore, a pruning, or of a command that failed within Muster. */
const OWN = /^(drl_|tak_|reh_|rst_|prune-|internal-).*\.log$/;
const CUT = Buffer.from('\n[the rest was left out: more than is kept of one drill]\n');
