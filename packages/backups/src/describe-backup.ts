import { open, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import {
  type BackupRecord,
  compareFidelity,
  type DumpConfig,
  errnoOf,
  type FidelityManifest,
  MusterError,
  RECORD_SUFFIX,
  type Source,
} from '@muster/core';
import type { Engine, FidelityAsked, LiveDumper } from '@muster/engines';
import { putObject, type S3Connection, S3Failure } from '@muster/s3';
import { recordBytes } from './record-bytes.js';
import type { Backup, BackupRepository } from './repository.js';
import { backupFault, s3Place } from './s3-place.js';
import { writing } from './take/writing-fault.js';

/** What the description of a backup needs from outside. */
export interface DescribePorts {
  readonly engine: Pick<Engine, 'identify' | 'examine'>;
  readonly dumper: Pick<LiveDumper, 'survey' | 'recordQuiet'>;
  readonly repository: BackupRepository;
  /** Of a place in object storage. */
  readonly connection: (backup: DumpConfig) => S3Connection | undefined;
}

/**
 * Records what a database is, which was backed up by somebody else, beside that backup. The record says of which bytes it is,
 * and not that Muster took them. The database is looked at twice, and must be the same.
 * @throws `no_backup`, `take_exists` (there is a record), `source_not_quiet`, `take_unwritable`, what is wrong with the
 * backup, what a {@link LiveDumper} throws of its source.
 */
export async function describeBackup(
  ports: DescribePorts,
  asked: {
    readonly source: Source;
    readonly backup: DumpConfig;
    readonly backupId: string;
    readonly uri: string;
  },
  signal: AbortSignal,
): Promise<{ readonly record: BackupRecord; readonly location: string }> {
  const { source, backupId } = asked;
  const backup = (await ports.repository.list(signal)).find(({ id }) => id === backupId);
  if (backup === undefined)
    throw new MusterError('no_backup', `There is no backup ${backupId} in ${ports.repository.location}.`);
  if (backup.record !== undefined) throw exists(backupId);
  const fidelity = await recordTwice(ports, asked, signal);
  const bytes = await bytesOf(ports, backup, signal);
  const record: BackupRecord = {
    type: 'urn:muster:backup:v1',
    source: { slug: source.slug, kind: source.kind },
    backup: { id: backupId, ...bytes },
    fidelity,
  };
  await writeRecord(ports, asked.backup, backupId, recordBytes(record), signal);
  return { record, location: `${backup.location}${RECORD_SUFFIX}` };
}

const exists = (id: string): MusterError =>
  new MusterError(
    'take_exists',
    `There is a record beside the backup already, ${id}${RECORD_SUFFIX}. Look at it; where it is none of a take, remove it first.`,
  );

async function recordTwice(
  { dumper }: DescribePorts,
  { source, uri }: { readonly source: Source; readonly uri: string },
  signal: AbortSignal,
): Promise<FidelityManifest> {
  const { level, budgetMs, sentinels } = source.fidelity;
  const asked: FidelityAsked = { level: level === 'full' ? level : 'counts', budgetMs, sentinels };
  const facts = await dumper.survey(uri, signal, source.kind === 'postgres' ? source.database : undefined);
  const before = await dumper.recordQuiet(uri, facts, asked, signal);
  const after = await dumper.recordQuiet(uri, facts, asked, signal);
  const { verdict, differences: [first] = [] } = compareFidelity(before, after);
  if (verdict !== 'different') return before;
  throw new MusterError(
    'source_not_quiet',
    `Somebody writes to the database while it is recorded (${first?.name ?? 'it changed'}). Record it from a replica whose replay is paused, or when nobody writes.`,
  );
}

async function bytesOf(
  { engine }: DescribePorts,
  { artefact, id }: Backup,
  signal: AbortSignal,
): Promise<Omit<BackupRecord['backup'], 'id'>> {
  if (artefact.form === 'remote' || artefact.form === 'repository') {
    throw new MusterError(
      'usage',
      `The backup ${id} is of several objects: only single ones, and those in a directory, are recorded.`,
    );
  }
  const facts = await engine.identify(artefact, signal);
  const { sha256, sizeBytes, fault } = await engine.examine(
    artefact,
    facts,
    { onBytes: () => undefined },
    signal,
  );
  if (fault !== undefined) throw fault;
  return {
    sha256,
    size_bytes: sizeBytes,
    format: facts.format,
    ...(facts.toolVersion && { tool_version: facts.toolVersion.slice(0, 64) }),
    ...(facts.serverVersion && { server_version: facts.serverVersion.slice(0, 64) }),
  };
}

async function writeRecord(
  { connection }: DescribePorts,
  backup: DumpConfig,
  id: string,
  bytes: Uint8Array,
  signal: AbortSignal,
): Promise<void> {
  const { place } = backup;
  if (place.type === 'directory') {
    await writing(place.location, () =>
      writeFileOnce(join(place.location, `${id}${RECORD_SUFFIX}`), id, bytes),
    );
    return;
  }
  const access = connection(backup);
  if (access === undefined) throw new MusterError('internal', 'There is no way to the object storage.');
  const { bucket, root, send, location } = s3Place(place, access);
  try {
    await putObject(send, { bucket, key: `${root}${id}${RECORD_SUFFIX}`, bytes, once: true }, signal);
  } catch (error) {
    if (error instanceof S3Failure && error.fault.kind === 'taken') throw exists(id);
    throw backupFault(`${location}/${id}${RECORD_SUFFIX}`, error);
  }
}

async function writeFileOnce(path: string, id: string, bytes: Uint8Array): Promise<void> {
  const file = await open(path, 'wx').catch((error: unknown) => {
    throw errnoOf(error) === 'EEXIST' ? exists(id) : error;
  });
  try {
    await file.writeFile(bytes);
    await file.sync();
  } catch (error) {
    await unlink(path);
    throw error;
  } finally {
    await file.close();
  }
}
