import { access, constants } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import type { BackupRepository } from '@muster/backups';
import {
  createPlan,
  type DumpConfig,
  errnoOf,
  isEvidence,
  isReason,
  MusterError,
  type Plan,
  type Predicate,
  type RestorePoint,
  type Source,
} from '@muster/core';
import { scriptsOf } from '@muster/engines';
import type { DrillPorts, DrillRequest, KeptScratch } from '../drill-ports.js';
import { explain, launch } from '../launch.js';
import { runDrill } from '../run-drill.js';
import type { RehearsalPorts, RehearsalRequest } from './rehearse-ports.js';

/** A server that Muster started. Whoever holds it releases it. */
export type Held = Pick<KeptScratch, 'scratch' | 'server' | 'socketDir' | 'database' | 'lost' | 'release'>;

/** Where the connection of a rehearsal is named: a variable that only the rehearsal sets. */
export const REHEARSAL_URI = 'MUSTER_REHEARSAL_URI';

/**
 * The source as it is rehearsed: taken as it is, with the same format, encryption and record, but from the stand-in, and
 * into a place of the rehearsal alone. Of its own connection, checks, schedules and promises nothing is left; nor of its
 * repository but the name of the stanza, for what runs in the stand-in could read its passphrase.
 */
export function rehearsedSource(source: Source, directory: string, database?: string): Source {
  const { backup } = source;
  return {
    ...stripped(source),
    // A set is of a whole cluster.
    ...(database !== undefined && backup.type === 'pgbackrest' && { database }),
    backup:
      backup.type === 'pgbackrest'
        ? {
            type: 'pgbackrest',
            stanza: backup.stanza,
            repository: { kind: 'place', place: { type: 'directory', location: directory } },
            ...(backup.processMax !== undefined && { processMax: backup.processMax }),
          }
        : dumpsIn(directory, source),
  };
}

/** The source, whose backup is the dump that its rehearsal begins with. */
const basedSource = (source: Source, base: string): Source => ({
  ...stripped(source),
  // What lies beside it is no matter.
  backup: {
    ...dumpsIn(dirname(base), source),
    match: basename(base).replace(/[\\$^*+?()[\]{}|!@]/g, '\\$&'),
  },
});

function stripped(source: Source): Source {
  const { objectives, rehearse, ...rest } = source;
  return {
    ...rest,
    connection: { uri: { kind: 'env', name: REHEARSAL_URI } },
    companions: [],
    checks: [],
    restoreOnly: true,
    schedules: [],
  };
}

const dumpsIn = (location: string, { backup }: Source): DumpConfig => ({
  type: 'dump',
  place: { type: 'directory', location },
  ...(backup.type === 'dump' && backup.decrypt && { decrypt: backup.decrypt }),
});

/** Makes what stands in for production. @throws `rehearsal_unready`, what a restore of its base comes to, `scratch_*`. */
export async function openProduction(
  ports: RehearsalPorts,
  request: RehearsalRequest,
  signal: AbortSignal,
): Promise<Held> {
  const { base } = request.source.rehearse;
  if (base === undefined) return await fromScripts(ports, request, signal);
  await requireReadable(base, 'base');
  const asked = drillOf(request, basedSource(request.source, base), { kind: 'id', id: basename(base) });
  const restoring = restoreKept(ports, request, { ...asked, ...archivesOf(request.source) }, signal);
  const { held } = await restoring.catch((error: unknown) => {
    // What is wrong with it says nothing about the backups that are taken.
    if (!isEvidence(error)) throw error;
    throw unready(
      `The dump ${basename(base)} (rehearse.base) could not be restored (${error.code}): ${error.message}`,
      error,
    );
  });
  return held;
}

async function fromScripts(
  ports: RehearsalPorts,
  request: RehearsalRequest,
  signal: AbortSignal,
): Promise<Held> {
  const { source } = request;
  const { migrate, major } = source.rehearse;
  for (const path of migrate) await requireReadable(path, 'migrate');
  const scripts = scriptsOf(source.kind);
  const facts = scripts.facts(major);
  const asked = {
    ...drillOf(request, rehearsedSource(source, '/'), { kind: 'latest' }),
    ...archivesOf(source),
  };
  const place = { data: 'disk', limits: source.scratch } as const;
  const launched = await launch(
    drillPortsOf(ports, request),
    asked,
    { kind: 'nothing', facts, location: '' },
    place,
    [],
    signal,
  );
  const { scratch, server } = launched;
  const database = source.database ?? 'production';
  const at = { socketDir: scratch.socketDir, serverVersion: server.version };
  try {
    await scripts.make(at, database, signal);
    const onOutput = (text: string) => ports.output(request.rehearsalId, text);
    for (const path of migrate)
      await scripts.run(scratch, launched.base, { path, database, facts }, onOutput, signal);
    const { socketDir } = scratch;
    return { scratch, server, socketDir, database, lost: launched.lost, release: () => scratch.destroy() };
  } catch (error) {
    await explain(launched, source, error, signal).finally(() => scratch.destroy());
    throw error;
  }
}

/** Known before any server is started. @throws `rehearsal_unready` */
async function requireReadable(path: string, key: 'base' | 'migrate'): Promise<void> {
  await access(path, constants.R_OK).catch((cause: unknown) => {
    throw unready(
      `${path} (rehearse.${key}) cannot be read (${errnoOf(cause) ?? 'unknown fault'}): name a file that the user who runs Muster may read.`,
      cause,
    );
  });
}

const unready = (message: string, cause: unknown): MusterError =>
  new MusterError('rehearsal_unready', message, { cause });

/** What is backed up by pgBackRest archives its WAL. */
const archivesOf = ({ backup }: Source): Pick<DrillRequest, 'archives'> =>
  backup.type === 'pgbackrest' ? { archives: { stanza: backup.stanza } } : {};

/** Restores the backup of the rehearsal into another scratch, which is left up. @throws as {@link openProduction}. */
export const restoreTaken = (
  ports: RehearsalPorts,
  request: RehearsalRequest,
  source: Source,
  id: string,
  signal: AbortSignal,
): Promise<RestoredScratch> =>
  restoreKept(ports, request, drillOf(request, source, { kind: 'id', id }), signal);

export interface RestoredScratch {
  readonly held: Held;
  readonly predicate: Predicate;
}

/** A drill as any other, whose scratch is left up; that it was one is written nowhere. */
async function restoreKept(
  ports: RehearsalPorts,
  request: RehearsalRequest,
  asked: DrillRequest,
  signal: AbortSignal,
): Promise<RestoredScratch> {
  const { kept, statement, message } = await runDrill(drillPortsOf(ports, request), asked, signal);
  const { predicate } = statement;
  // What differs is told table by table, by whoever compares.
  const isThere = predicate.result === 'pass' || predicate.reason === 'fidelity_different';
  if (kept !== undefined && isThere) return { held: kept, predicate };
  await kept?.release();
  const { reason = 'internal_error' } = predicate;
  throw new MusterError(
    isReason(reason) ? reason : 'internal_error',
    message ?? `The restore ended in ${predicate.result}.`,
  );
}

function drillOf(
  { config, source: rehearsed, rehearsalId }: RehearsalRequest,
  source: Source,
  restorePoint: RestorePoint,
): DrillRequest {
  const plan: Plan = createPlan(config, source, {
    // So what it labels in Docker is known to be of this rehearsal.
    drillId: rehearsalId.replace(/^reh_/, 'drl_'),
    trigger: { kind: 'cli' },
    restorePoint,
  });
  const keepMs = rehearsed.limits.drill + (rehearsed.take?.limitMs ?? 0);
  return { plan, config, source, restorePoint, keepMs };
}

/** Nothing that a rehearsal restores is ever a signed drill. */
const drillPortsOf = (ports: RehearsalPorts, { rehearsalId }: RehearsalRequest): DrillPorts => ({
  ...ports,
  repository: (kind, backup) => fetchedFrom(ports.repository(kind, backup)),
  signer: { keyId: '', publicKeyPem: '', sign: () => new Uint8Array() },
  observe: () => undefined,
  output: (_drill, text) => ports.output(rehearsalId, text),
});

/** The repository of a rehearsal is its own: it is carried into a scratch that it cannot be shown to. */
const fetchedFrom = ({ location, list }: BackupRepository): BackupRepository => ({
  location,
  list: async (signal) =>
    (await list(signal)).map((backup) =>
      backup.artefact.form === 'repository'
        ? { ...backup, artefact: { ...backup.artefact, fetched: true as const } }
        : backup,
    ),
});
