import { readdir, stat } from 'node:fs/promises';
import { basename, dirname, resolve } from 'node:path';
import type { Backup } from '@muster/backups';
import { selectBackup } from '@muster/backups';
import { MusterError, parseConfig, type RestorePoint, type Source, type SourceKind } from '@muster/core';
import { engineOf } from '@muster/engines';
import { backupRepository } from '../backup-repository.js';
import type { Environment } from '../environment.js';
import { ConfigFaults } from '../problem.js';
import { readFailure } from '../read-failure.js';

/** The backup that a source's restore point means. */
export async function locateOfSource(
  environment: Environment,
  { kind, slug, backup }: Source,
  point: RestorePoint,
  asking: { readonly restoreId: string },
  signal: AbortSignal,
): Promise<Backup> {
  if (backup.type === 'live')
    throw new MusterError(
      'no_backup',
      `The source "${slug}" is dumped live: no backup of it is kept. Name a file with --from.`,
    );
  if (backup.type === 'pgbackrest')
    throw new MusterError(
      'usage',
      `The backups of the source "${slug}" are sets of pgBackRest, which hold a whole cluster: use --into-directory.`,
    );
  const repository = backupRepository(environment, kind, backup);
  const listed = await repository.list(signal);
  const { location } = repository;
  return selectBackup(listed, point, { drillId: asking.restoreId, location, now: environment.now() }).backup;
}

/** Where a backup is that a person named, as a source of a configuration has it. */
export async function locateFrom(
  environment: Environment,
  kind: SourceKind,
  from: string,
  decrypt: string | undefined,
  asking: { readonly restoreId: string },
  signal: AbortSignal,
): Promise<Backup> {
  const { location, name } = await placeOf(environment, kind, from);
  const document = {
    sources: [
      {
        slug: 'from',
        kind,
        restore_only: true,
        backup: {
          type: 'dump',
          location,
          ...s3Of(environment, location),
          ...(name !== undefined && { match: literally(name) }),
          ...(decrypt !== undefined && { decrypt: { age: decrypt } }),
        },
      },
    ],
  };
  const parsed = parseConfig(JSON.stringify(document), { file: '--from', baseDirectory: environment.cwd });
  if (!parsed.ok) throw new ConfigFaults('--from', '', parsed.faults);
  const [source] = parsed.config.sources;
  if (source === undefined) throw new MusterError('internal', 'What was named became no source.');
  const point: RestorePoint = name === undefined ? { kind: 'latest' } : { kind: 'id', id: name };
  return locateOfSource(environment, source, point, asking, signal);
}

/** As AWS's own programs have it; with an endpoint of its own, its buckets are in the path. */
function s3Of({ env }: Environment, location: string): { readonly s3?: { readonly endpoint: string } } {
  const endpoint = env['AWS_ENDPOINT_URL_S3'] ?? env['AWS_ENDPOINT_URL'];
  return location.startsWith('s3://') && endpoint ? { s3: { endpoint } } : {};
}

/** @returns the place, and the name in it; no name where the newest in the place is meant. */
async function placeOf(
  { cwd }: Environment,
  kind: SourceKind,
  from: string,
): Promise<{ readonly location: string; readonly name?: string }> {
  if (from.startsWith('s3://')) {
    const [, location = '', name = ''] = /^(s3:\/\/.+\/)([^/]*)$/.exec(from) ?? [];
    if (location === '')
      throw new MusterError(
        'usage',
        '--from takes s3://bucket/prefix/file, or s3://bucket/prefix/ for the newest there.',
      );
    return name === '' ? { location } : { location, name };
  }
  const path = resolve(cwd, from);
  try {
    if (!(await stat(path)).isDirectory() || engineOf(kind).isDirectoryDump(await filesIn(path)))
      return { location: dirname(path), name: basename(path) };
    return { location: path };
  } catch (cause) {
    throw new MusterError('usage', `--from: ${path} cannot be read: ${readFailure(cause)}.`, { cause });
  }
}

/** Paths of the files in a directory, and in directories in it: no dump goes deeper. */
async function filesIn(directory: string): Promise<readonly string[]> {
  const entries = await readdir(directory, { withFileTypes: true });
  const inner = await Promise.all(
    entries
      .filter((entry) => entry.isDirectory())
      .map(async ({ name }) => (await readdir(resolve(directory, name))).map((file) => `${name}/${file}`)),
  );
  return [...entries.filter((entry) => entry.isFile()).map(({ name }) => name), ...inner.flat()];
}

/** A glob that means this name alone. */
const literally = (name: string): string => name.replace(/[\\*?[\]{}()!@+|]/g, '\\$&');
