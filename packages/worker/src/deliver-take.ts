import {
  type Config,
  type ErrorCode,
  isMusterError,
  isReason,
  type KnownTake,
  REASONS,
  type Source,
  type Take,
} from '@muster/core';
import {
  type Disposition,
  endTake,
  type Heartbeat,
  newlyAsked,
  type TakeJob,
  takeLease,
  takesQueue,
} from '@muster/queue';
import {
  activeContext,
  codeOf,
  inContext,
  openTakeSpans,
  SPANS,
  span,
  type TakeSpans,
} from '@muster/telemetry';
import { MOST_TRIES, waitAfterTry } from './tries.js';
import type { TakingPorts } from './worker-ports.js';

export type RunningTake = NonNullable<Heartbeat['taking']>;

export interface TakingContext {
  readonly ports: TakingPorts;
  readonly configOf: (digest: string) => Promise<Config | undefined>;
  /** For the heartbeat. */
  readonly onChange: (taking: RunningTake | undefined) => void;
  /** Aborts when the worker must stop: what runs is given back. */
  readonly graceOver: AbortSignal;
}

/** What one delivery is about. */
interface Taking {
  readonly job: TakeJob;
  readonly known: KnownTake;
  readonly config: Config;
  readonly source: Source;
  readonly take: Take;
  readonly lockLost: AbortSignal;
}

/** One that has its source for itself alone, until `leaseLost` aborts. */
interface HeldTaking extends Taking {
  readonly leaseLost: AbortSignal;
}

const DONE: Disposition = { type: 'done' };
const LOOK_MS = 2_000;
const CONFIG_MS = 10 * 60_000;
/** Faults of the place and of the fleet, which another try may not meet. */
const RETRYABLE: ReadonlySet<ErrorCode> = new Set<ErrorCode>(['take_unwritable', 'no_space', 'lease_lost']);

/**
 * One delivery of a take: looks whether it is still to be done, waits for its source or leaves it out, takes the backup, and
 * notes what became of it. `lockLost` aborts when another worker may have it: nothing is said then. @throws `redis_unavailable`
 */
export async function deliverTake(
  context: TakingContext,
  job: TakeJob,
  lockLost: AbortSignal,
): Promise<Disposition> {
  const { ports, configOf, graceOver } = context;
  const known = (await ports.takeHistory.get(job.source, job.id)) ?? newlyAsked(job, ports.now());
  if (known.state === 'ended') return DONE;
  if (graceOver.aborted) return { type: 'later', afterMs: 0 };
  const config = await configOf(job.config_sha256);
  const source = config?.sources.find(({ slug }) => slug === job.source);
  const take = source?.take;
  if (config === undefined || source === undefined || take === undefined) {
    const isYoung = ports.now().getTime() - new Date(known.asked_at).getTime() < CONFIG_MS;
    if (config === undefined && isYoung) return { type: 'later', afterMs: LOOK_MS };
    return await fail(ports, job, known, 'config_unavailable');
  }
  const taking = { job, known, config, source, take, lockLost };
  // Another try of the same take is another holder: it may still run.
  const lease = await ports.leases.acquire(takeLease(job.source), `${job.id}/${ports.identity.worker}`);
  if (lease === undefined) return await giveWay(ports, taking);
  let disposition: Disposition | 'taken';
  try {
    disposition = await tryTraced(context, { ...taking, leaseLost: lease.lost });
  } finally {
    await lease.release();
  }
  if (disposition !== 'taken') return disposition;
  // Its source is free again: who is due meanwhile is not left out for this.
  await prune(context, taking);
  return DONE;
}

/** Another take of the source runs, which this worker cannot see: by hand, or of another pool. */
async function giveWay(ports: TakingPorts, { job, known, take }: Taking): Promise<Disposition> {
  const holder = await ports.leases.holder(takeLease(job.source));
  const isOther = holder !== undefined && !holder.startsWith(`${job.id}/`);
  // A try of its own that died loses it in a moment.
  if (!isOther) return { type: 'later', afterMs: LOOK_MS };
  const now = ports.now();
  const since = known.waits_since ?? now.toISOString();
  const isOver = now.getTime() - new Date(since).getTime() >= take.limitMs;
  if (take.overrun === 'wait' && !isOver) {
    if (known.waits_since === undefined) {
      ports.logger.info('take waits for the one before it', { take_id: job.id, source: job.source });
      await ports.takeHistory.put(job.source, { ...known, state: 'waiting', waits_since: since });
    }
    return { type: 'later', afterMs: LOOK_MS };
  }
  await endTake(ports, job, { ...known, outcome: 'skipped', reason: 'take_overrun' });
  ports.logger.warn('a take is left out: the one before it is not over', {
    take_id: job.id,
    source: job.source,
  });
  return DONE;
}

async function tryTraced(context: TakingContext, taking: HeldTaking): Promise<Disposition | 'taken'> {
  const { ports, onChange } = context;
  const { job, known } = taking;
  const traced = { ...job, queue: takesQueue(job.pool) };
  const spans = openTakeSpans(traced, activeContext(), ports.identity.worker, known.tries + 1);
  try {
    return await inContext(spans.attempt.context, () => tryTake(context, taking, spans));
  } catch (error) {
    spans.end('failed', codeOf(error));
    throw error;
  } finally {
    onChange(undefined);
  }
}

async function tryTake(
  context: TakingContext,
  taking: HeldTaking,
  spans: TakeSpans,
): Promise<Disposition | 'taken'> {
  const { ports, graceOver, onChange } = context;
  const { job, known, source, lockLost, leaseLost } = taking;
  const signal = AbortSignal.any([lockLost, graceOver, leaseLost]);
  const started = ports.now().toISOString();
  const number = known.tries + 1;
  const fields = { take_id: job.id, source: job.source, attempt: number };
  const running: KnownTake = {
    ...known,
    state: 'running',
    tries: number,
    worker: ports.identity.worker,
    started_at: known.started_at ?? started,
    reason: undefined,
  };
  const observe = (phase: string): void => {
    spans.phase(phase);
    onChange({ take_id: job.id, source: job.source, phase, since: started });
  };
  onChange({ take_id: job.id, source: job.source, since: started });
  try {
    const before = known.tries === 0 ? undefined : await ports.findTaken(source, job.id, signal);
    if (before === undefined && known.tries >= MOST_TRIES) {
      spans.end('failed', 'worker_lost');
      return await fail(ports, job, known, known.reason ?? 'worker_lost');
    }
    if (before === undefined) await ports.takeHistory.put(job.source, running);
    const { backupId, sizeBytes } = before ?? (await takeNow(ports, taking, observe, signal));
    if (lockLost.aborted) return DONE;
    const ended = before === undefined ? running : { ...known, reason: undefined };
    await endTake(ports, job, { ...ended, outcome: 'taken', backup: backupId, bytes: sizeBytes });
    ports.logger.info('backup taken', { ...fields, backup: backupId, bytes: sizeBytes });
    spans.end('taken');
    return 'taken';
  } catch (error) {
    if (isMusterError(error, 'redis_unavailable')) throw error;
    if (lockLost.aborted) {
      spans.end('returned', 'worker_lost');
      return DONE;
    }
    if (graceOver.aborted) {
      spans.end('returned');
      await ports.takeHistory.put(job.source, { ...running, state: 'queued', tries: known.tries });
      ports.logger.info('take given back', fields);
      return { type: 'later', afterMs: 0 };
    }
    const code = isMusterError(error) ? error.code : 'internal_error';
    spans.end('failed', code);
    const afterMs = isRetryable(code) ? waitAfterTry(number) : undefined;
    if (afterMs === undefined) {
      ports.logger.error('no backup was taken', error, fields);
      return await fail(ports, job, running, code);
    }
    const detail = isMusterError(error) ? { detail: error.message } : {};
    ports.logger.warn('take is tried again', { ...fields, reason: code, after_ms: afterMs, ...detail });
    await ports.takeHistory.put(job.source, { ...running, state: 'waiting', reason: code });
    return { type: 'later', afterMs };
  }
}

const takeNow = (
  ports: TakingPorts,
  { job, config, source }: Taking,
  observe: (phase: string) => void,
  signal: AbortSignal,
) =>
  ports.takeBackup(config)(
    {
      takeId: job.id,
      source,
      ...(job.type && { type: job.type }),
      trigger: recordedTrigger(job),
      isAlone: true,
    },
    { onProgress: ({ phase }) => observe(phase), onOutput: (text) => ports.takeOutput(job.id, text) },
    signal,
  );

/** As the record beside the backup has it. */
const recordedTrigger = ({ trigger: { requested_by: _, ...trigger } }: TakeJob) => trigger;

const isRetryable = (code: ErrorCode): boolean =>
  RETRYABLE.has(code) || (isReason(code) && REASONS[code].retryable);

async function fail(
  ports: TakingPorts,
  job: TakeJob,
  known: KnownTake,
  reason: string,
): Promise<Disposition> {
  await endTake(ports, job, { ...known, outcome: 'failed', reason });
  return DONE;
}

/** A backup more is no reason to say that none was taken. */
async function prune({ ports, graceOver }: TakingContext, { job, config, source, lockLost }: Taking) {
  if (source.take?.retain === undefined) return;
  const signal = AbortSignal.any([lockLost, graceOver]);
  const fields = { take_id: job.id, source: job.source };
  try {
    const { removed, unproven } = await span(SPANS.prune, {}, () => ports.prune(config, source, signal));
    if (removed > 0) ports.logger.info('backups pruned', { ...fields, backups: removed });
    if (unproven > 0)
      ports.logger.warn('backups that are due to go stay: none that is there has passed a drill', {
        ...fields,
        backups: unproven,
      });
  } catch (error) {
    if (!signal.aborted) ports.logger.error('what is due to go could not be pruned', error, fields);
  }
}
