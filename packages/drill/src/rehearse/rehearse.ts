import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import {
  isMusterError,
  MusterError,
  type RehearsalPhase,
  type RehearsalPredicate,
  type Rehearse,
} from '@muster/core';
import { asMusterError } from '../as-muster-error.js';
import { bounded } from '../bounded.js';
import { explain } from '../launch.js';
import { compareRecorded } from './compare.js';
import { type Held, openProduction, rehearsedSource, restoreTaken } from './production.js';
import { record, requireComplete, seedAll } from './record.js';
import { messageOf, rehearsalStatement, type Seen } from './rehearsal-statement.js';
import type { RehearsalOutcome, RehearsalPorts, RehearsalRequest } from './rehearse-ports.js';
import { takingOf } from './taking.js';

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
  const run: Run = async (phase, work, held) => {
    const begun = ports.now();
    ports.observe({ phase });
    const end = (outcome: 'done' | 'failed') => {
      const duration = Math.max(0, ports.now().getTime() - begun.getTime());
      const record = { name: phase, duration_ms: duration, outcome };
      phases.push(record);
      ports.observe({ phase, ended: record });
    };
    try {
      const limit = limitOf(phase, request);
      const done = await (limit === undefined
        ? work(signal)
        : bounded(
            { name: phase, of: 'rehearsal', cancel: signal, ...limit, ...(held && { lost: held.lost }) },
            (stop) => (held === undefined ? work(stop) : explained(work(stop), held, request, stop)),
          ));
      end('done');
      return done;
    } catch (error) {
      end('failed');
      throw inWords(error, phase);
    }
  };
  await perform(ports, request, seen, run).catch((error: unknown) => {
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

/** @param held - whose server the phase asks. */
type Run = <T>(phase: RehearsalPhase, work: (signal: AbortSignal) => Promise<T>, held?: Held) => Promise<T>;

/** How long a phase may take. Undefined = it is bounded by itself, and goes on when the rehearsal is cancelled. */
function limitOf(
  phase: RehearsalPhase,
  { source: { limits, take, rehearse, backup } }: RehearsalRequest,
): { readonly limitMs: number; readonly limitedBy: string } | undefined {
  const takeMs = take?.limitMs ?? 0;
  switch (phase) {
    case 'prepare': {
      const isBased = rehearse.base !== undefined;
      return {
        limitMs:
          (isBased ? limits.drill : limits.launch + limits.restore) +
          (backup.type === 'pgbackrest' ? takeMs : 0),
        limitedBy: isBased ? 'limits.drill' : 'limits.restore',
      };
    }
    case 'seed':
      return { limitMs: limits.check * Math.max(1, rehearse.seed.length), limitedBy: 'limits.check' };
    case 'take':
      return { limitMs: takeMs, limitedBy: 'take.limit' };
    case 'record':
    case 'compare':
      return { limitMs: limits.restore, limitedBy: 'limits.restore' };
    case 'restore':
      return { limitMs: limits.drill, limitedBy: 'limits.drill' };
    case 'destroy':
      return undefined;
  }
}

/** The way of one rehearsal. */
async function perform(
  ports: RehearsalPorts,
  request: RehearsalRequest,
  seen: Seen,
  run: Run,
): Promise<void> {
  const { source, rehearsalId } = request;
  const spool = await ports.spool(rehearsalId);
  try {
    const place = join(spool.path, 'backups');
    await mkdir(place, { mode: 0o700 });
    const rehearsed = rehearsedSource(source, place);
    const { production, taking } = await run('prepare', async (stop) => {
      const production = await openProduction(ports, request, stop);
      const taking = takingOf(ports, request, production, rehearsed, place);
      await taking.prepare(stop).catch(async (error) => {
        await production.release();
        throw error;
      });
      return { production, taking };
    });
    const { version, substitute } = production.server;
    seen.standIn = {
      made_from: madeFrom(source.rehearse),
      engine_version: substitute ?? version,
      ...(substitute !== undefined && { substitute: true }),
    };
    const { before, seeded, backupId } = await whileHeld(
      production,
      (released) => run('destroy', released),
      async () => {
        const seeded = await run('seed', (stop) => seedAll(request, production, stop), production);
        const before = await run(
          'record',
          (stop) => record(ports, request, production, seeded, stop),
          production,
        );
        requireComplete(before);
        const backupId = await run('take', (stop) => taking.take(stop), production);
        return { before, seeded, backupId };
      },
    );
    const asRestored = rehearsedSource(source, place, production.database);
    const restored = await run('restore', (stop) => restoreTaken(ports, request, asRestored, backupId, stop));
    seen.restored = restored.predicate;
    const { held } = restored;
    try {
      const after = await run('compare', (stop) => record(ports, request, held, seeded, stop), held);
      seen.comparisons = [...compareRecorded(before, after)];
    } finally {
      await held.release();
    }
  } finally {
    await spool.remove();
  }
}

const madeFrom = ({ base, migrate }: Rehearse): 'base' | 'migrations' | 'seed' =>
  base !== undefined ? 'base' : migrate.length > 0 ? 'migrations' : 'seed';

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

/** What the scratch knows of a failure comes before what servers and drivers threw. */
async function explained<T>(
  work: Promise<T>,
  { scratch }: Held,
  { source }: RehearsalRequest,
  stop: AbortSignal,
): Promise<T> {
  return await work.catch((error: unknown) =>
    isMusterError(error) ? Promise.reject(error) : explain({ scratch }, source, error, stop),
  );
}

/** What servers and drivers threw, in words for people. */
function inWords(error: unknown, phase: RehearsalPhase): unknown {
  if (isMusterError(error)) return error;
  return new MusterError(
    'rehearsal_unready',
    `The server of the rehearsal did not answer in its phase "${phase}": what was printed is on this machine.`,
    { cause: error, ...(error instanceof Error && { output: error.message }) },
  );
}
