import { basename, dirname } from 'node:path';
import {
  createPlan,
  type DumpConfig,
  isReason,
  MusterError,
  type Plan,
  type Predicate,
  type RestorePoint,
  type Source,
} from '@muster/core';
import { type Server, scriptsOf } from '@muster/engines';
import type { DrillPorts, DrillRequest, KeptScratch } from '../drill-ports.js';
import { explain, launch } from '../launch.js';
import { runDrill } from '../run-drill.js';
import type { RehearsalPorts, RehearsalRequest } from './rehearse-ports.js';

/** A server that Muster started. Whoever holds it releases it. */
export interface Held {
  readonly server: Server;
  readonly socketDir: string;
  readonly database: string;
  release(): Promise<void>;
}

/** Where the connection of a rehearsal is named: a variable that only the rehearsal sets. */
export const REHEARSAL_URI = 'MUSTER_REHEARSAL_URI';

/**
 * The source as it is rehearsed: taken as it is, with the same format, encryption and record, but from the stand-in, and
 * into a place of the rehearsal alone. Of its own connection, checks, schedules and promises nothing is left.
 */
export function rehearsedSource(source: Source, directory: string): Source {
  const { objectives, rehearse, ...rest } = source;
  return {
    ...rest,
    connection: { uri: { kind: 'env', name: REHEARSAL_URI } },
    backup: dumpsIn(directory, source),
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
  const source = rehearsedSource(request.source, dirname(base));
  const restored = await restoreKept(ports, request, source, { kind: 'id', id: basename(base) }, signal);
  return restored.held;
}

async function fromScripts(
  ports: RehearsalPorts,
  request: RehearsalRequest,
  signal: AbortSignal,
): Promise<Held> {
  const { source } = request;
  const { migrate, major } = source.rehearse;
  const scripts = scriptsOf(source.kind);
  if (scripts === undefined)
    throw new MusterError(
      'rehearsal_unready',
      `The source "${source.slug}" has no SQL files that could be run (rehearse.migrate): give it a dump to begin with (rehearse.base).`,
    );
  const facts = scripts.facts(major);
  const asked = drillOf(request, rehearsedSource(source, '/'), { kind: 'latest' });
  const place = { data: 'disk', limits: source.scratch } as const;
  const limit = AbortSignal.any([signal, AbortSignal.timeout(source.limits.launch + source.limits.restore)]);
  const launched = await launch(
    drillPortsOf(ports, request),
    asked,
    { kind: 'nothing', facts, location: '' },
    place,
    [],
    limit,
  );
  const { scratch, server } = launched;
  const database = source.database ?? 'production';
  const at = { socketDir: scratch.socketDir, serverVersion: server.version };
  try {
    await scripts.make(at, database, limit);
    const onOutput = (text: string) => ports.output(request.rehearsalId, text);
    for (const path of migrate)
      await scripts.run(scratch, launched.base, { path, database, facts }, onOutput, limit);
    return { server, socketDir: scratch.socketDir, database, release: () => scratch.destroy() };
  } catch (error) {
    await explain(launched, source, error, limit).finally(() => scratch.destroy());
    throw error;
  }
}

/** A drill as any other, whose scratch is left up; that it was one is written nowhere. */
export async function restoreKept(
  ports: RehearsalPorts,
  request: RehearsalRequest,
  source: Source,
  restorePoint: RestorePoint,
  signal: AbortSignal,
): Promise<{ readonly held: Held; readonly predicate: Predicate }> {
  const asked = drillOf(request, source, restorePoint);
  const { kept, statement, message } = await runDrill(drillPortsOf(ports, request), asked, signal);
  const { predicate } = statement;
  // What differs is told table by table, by whoever compares.
  const isThere = predicate.result === 'pass' || predicate.reason === 'fidelity_different';
  if (kept !== undefined && isThere) return { held: heldOf(kept), predicate };
  await kept?.release();
  const { reason = 'internal_error' } = predicate;
  throw new MusterError(
    isReason(reason) ? reason : 'internal_error',
    message ?? `The restore ended in ${predicate.result}.`,
  );
}

const heldOf = ({ server, socketDir, database, release }: KeptScratch): Held => ({
  server,
  socketDir,
  database,
  release,
});

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
  signer: { keyId: '', publicKeyPem: '', sign: () => new Uint8Array() },
  observe: () => undefined,
  output: (_drill, text) => ports.output(rehearsalId, text),
});
