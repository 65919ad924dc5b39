import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import {
  isMusterError,
  MusterError,
  newTakeId,
  type RehearsalPhase,
  type RehearsalPredicate,
  type Source,
} from '@muster/core';
import { type SeededRow, type StandIn, standInAt } from '@muster/engines';
import { asMusterError } from '../as-muster-error.js';
import { compareRecorded, type Recorded, soleValue } from './compare.js';
import { type Held, openProduction, rehearsedSource, restoreKept } from './production.js';
import { messageOf, rehearsalStatement, type Seen } from './rehearsal-statement.js';
import type { RehearsalOutcome, RehearsalPorts, RehearsalRequest } from './rehearse-ports.js';

/**
 * Rehearses a disaster of a source, on servers that Muster starts and nowhere else: what stands in for production is made,
 * seeded, backed up as the source says, destroyed, restored into another scratch, and compared. It resolves with a signed
 * statement whatever happens, cancellation included; nothing else of it is left.
 */
export async function rehearse(
  ports: RehearsalPorts,
  request: RehearsalRequest,
  signal: AbortSignal,
): Promise<RehearsalOutcome> {
  const startedAt = ports.now();
  const seen: Seen = { encrypted: request.source.take?.encrypt !== undefined, comparisons: [] };
  const phases: RehearsalPredicate['phases'] = [];
  const run: Run = async (phase, work) => {
    const begun = ports.now();
    ports.observe({ phase });
    const end = (outcome: 'done' | 'failed') => {
      const duration = Math.max(0, ports.now().getTime() - begun.getTime());
      const record = { name: phase, duration_ms: duration, outcome };
      phases.push(record);
      ports.observe({ phase, ended: record });
    };
    try {
      const done = await work();
      end('done');
      return done;
    } catch (error) {
      end('failed');
      throw explained(error, phase, signal);
    }
  };
  await perform(ports, request, seen, run, signal).catch((error: unknown) => {
    seen.fault = asMusterError(error);
    const { output } = seen.fault;
    if (output !== undefined) ports.output(request.rehearsalId, `${output}\n`);
  });
  const statement = rehearsalStatement(request, seen, phases, {
    startedAt,
    endedAt: ports.now(),
    musterVersion: ports.musterVersion,
  });
  const message = messageOf(seen);
  return { statement, receipt: ports.signer.sign(statement), ...(message !== undefined && { message }) };
}

type Run = <T>(phase: RehearsalPhase, work: () => Promise<T>) => Promise<T>;

/** The way of one rehearsal. */
async function perform(
  ports: RehearsalPorts,
  request: RehearsalRequest,
  seen: Seen,
  run: Run,
  signal: AbortSignal,
): Promise<void> {
  const { source, rehearsalId } = request;
  const spool = await ports.spool(rehearsalId);
  try {
    const place = join(spool.path, 'backups');
    await mkdir(place, { mode: 0o700 });
    const rehearsed = rehearsedSource(source, place);
    const production = await run('prepare', () => openProduction(ports, request, signal));
    const { version, substitute } = production.server;
    seen.standIn = {
      made_from: source.rehearse.base === undefined ? 'migrations' : 'base',
      engine_version: substitute ?? version,
      ...(substitute !== undefined && { substitute: true }),
    };
    const { before, seeded, backupId } = await whileHeld(
      production,
      (released) => run('destroy', released),
      async () => {
        const standIn = standInOf(source, production);
        const seeded = await run('seed', () => seedAll(standIn, request, production, signal));
        const before = await run('record', () => record(ports, request, production, seeded, signal));
        requireComplete(request, before);
        const backupId = await run('take', () =>
          take(ports, request, rehearsed, standIn, production, signal),
        );
        return { before, seeded, backupId };
      },
    );
    const restored = await run('restore', () =>
      restoreKept(ports, request, rehearsed, { kind: 'id', id: backupId }, signal),
    );
    seen.restored = restored.predicate;
    try {
      const after = await run('compare', () => record(ports, request, restored.held, seeded, signal));
      seen.comparisons = [...compareRecorded(before, after)];
    } finally {
      await restored.held.release();
    }
  } finally {
    await spool.remove();
  }
}

/** The data is destroyed with its server, whatever came before. */
async function whileHeld<T>(
  held: Held,
  destroy: (release: () => Promise<void>) => Promise<void>,
  work: () => Promise<T>,
): Promise<T> {
  try {
    return await work();
  } finally {
    await destroy(() => held.release());
  }
}

const standInOf = ({ kind }: Source, { socketDir, server }: Held): StandIn =>
  standInAt(kind, { socketDir, serverVersion: server.version });

async function seedAll(
  standIn: StandIn,
  { source }: RehearsalRequest,
  { database }: Held,
  signal: AbortSignal,
): Promise<readonly SeededRow[]> {
  const seeded: SeededRow[] = [];
  for (const seed of source.rehearse.seed) seeded.push(await standIn.seed(database, seed, signal));
  return seeded;
}

async function record(
  ports: RehearsalPorts,
  request: RehearsalRequest,
  held: Held,
  seeded: readonly SeededRow[],
  signal: AbortSignal,
): Promise<Recorded> {
  const standIn = standInOf(request.source, held);
  const version = await versionIn(ports, request, held, signal);
  const rows = await standIn.rows(held.database, signal);
  const sentinels: { table: string; count: number }[] = [];
  for (const row of seeded)
    sentinels.push({ table: row.table, count: await standIn.count(held.database, row, signal) });
  return { ...(version !== undefined && { version }), rows, sentinels };
}

async function versionIn(
  ports: RehearsalPorts,
  { source, rehearsalId }: RehearsalRequest,
  { server, database }: Held,
  signal: AbortSignal,
): Promise<string | undefined> {
  const { version } = source.rehearse;
  if (version === undefined) return undefined;
  if (source.kind !== 'postgres')
    throw new MusterError(
      'rehearsal_unready',
      `rehearse.version is a query for PostgreSQL, and the source "${source.slug}" is another: leave it out.`,
    );
  const answer = await server.ask(
    {
      id: 'version',
      question: { kind: 'postgres', summarySql: version },
      expect: '',
      expectation: { column: '', operator: '==', literal: { kind: 'null' } },
      timeoutMs: source.limits.check,
      readOnly: true,
    },
    {
      database,
      timeoutMs: source.limits.check,
      onOutput: (text) => ports.output(rehearsalId, text),
    },
    signal,
  );
  return soleValue(answer);
}

/** What is not there before can prove nothing afterwards. */
function requireComplete({ source }: RehearsalRequest, before: Recorded): void {
  if (source.rehearse.version !== undefined && before.version === undefined)
    throw new MusterError(
      'rehearsal_unready',
      'The query of rehearse.version did not give one row with one value before the backup: correct it, or the migrations.',
    );
  const lost = before.sentinels.find(({ count }) => count === 0);
  if (lost !== undefined)
    throw new MusterError(
      'rehearsal_unready',
      `A row that was put into ${lost.table} (rehearse.seed) is not there as it was put in: see the triggers of the table.`,
    );
}

async function take(
  ports: RehearsalPorts,
  { rehearsalId }: RehearsalRequest,
  rehearsed: Source,
  standIn: StandIn,
  { database }: Held,
  signal: AbortSignal,
): Promise<string> {
  const { backupId } = await ports.takeFrom(standIn.uri(database))(
    { takeId: newTakeId(ports.now()), source: rehearsed, trigger: { kind: 'rehearsal' } },
    { onProgress: () => undefined, onOutput: (text) => ports.output(rehearsalId, text) },
    signal,
  );
  return backupId;
}

/** What servers and drivers threw, in words for people. */
function explained(error: unknown, phase: RehearsalPhase, signal: AbortSignal): unknown {
  if (signal.aborted) return new MusterError('cancelled', 'The rehearsal was cancelled.', { cause: error });
  if (isMusterError(error)) return error;
  return new MusterError(
    'rehearsal_unready',
    `The server of the rehearsal did not answer in its phase "${phase}": what was printed is on this machine.`,
    { cause: error, ...(error instanceof Error && { output: error.message }) },
  );
}
