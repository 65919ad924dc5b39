import { type Config, isMusterError, type Plan, type Reason, type UnfinishedReason } from '@muster/core';
import { createDrillSpans, type DrillEvent } from '@muster/drill';
import { type Disposition, type DrillDelivery, drillsQueue, RECEIPTS, type WaitReason } from '@muster/queue';
import {
  ATTRIBUTES,
  type Carrier,
  carrierOf,
  codeOf,
  inContext,
  messagingAttributes,
  type OpenSpan,
  openAttempt,
  SPANS,
  span,
  tellLostAttempt,
  traceIdOf,
  workMetrics,
} from '@muster/telemetry';
import { takeConditions } from './conditions.js';
import type { RunningDrills } from './running-drills.js';
import { sourceFor } from './source-for.js';
import { againAfter, endOf, MOST_TRIES, triesOf, waitAfter } from './tries.js';
import type { DrillTask, WorkerPorts } from './worker-ports.js';

export interface Delivering {
  readonly ports: WorkerPorts;
  readonly configOf: (digest: string) => Promise<Config | undefined>;
  readonly running: RunningDrills;
  /** Aborts when the worker must stop: what runs is given back. */
  readonly graceOver: AbortSignal;
}

/** A drill as its job has it. */
interface Asked {
  readonly plan: Plan;
  readonly carrier: Carrier;
}

const DONE: Disposition = { type: 'done' };
const HOUR_MS = 60 * 60_000;
/** For how long a drill may wait for something, and how it ends then; how soon to look again. */
const WAITS = {
  room: { againMs: 5_000, longestMs: 24 * HOUR_MS, end: 'no_capacity' },
  isolation: { againMs: 5_000, longestMs: 24 * HOUR_MS, end: 'no_capacity' },
  key: { againMs: 5_000, longestMs: 24 * HOUR_MS, end: 'no_capacity' },
  lease: { againMs: 2_000, longestMs: undefined, end: undefined },
  config: { againMs: 5_000, longestMs: 10 * 60_000, end: 'config_unavailable' },
} as const;

/**
 * One delivery of a drill: looks whether it is still to be done, takes what it needs, tries it, and says what becomes of
 * it. `lockLost` aborts when another worker may have it: nothing is said then. @throws `redis_unavailable`
 */
export async function deliver(
  context: Delivering,
  { plan, attempt, traceparent }: DrillDelivery,
  lockLost: AbortSignal,
): Promise<Disposition> {
  const { ports, configOf } = context;
  const drillId = plan.drill_id;
  if (await ports.receipts.holds(drillId)) return DONE;
  if (context.graceOver.aborted) return { type: 'later', afterMs: 0 };
  const earlier = await ports.states.attempts(drillId);
  const asked = { plan, carrier: { traceparent } };
  const end = (reason: UnfinishedReason): Promise<Disposition> => endUnfinished(ports, asked, reason);
  if (await ports.states.cancelRequested(drillId)) return await end('cancelled');
  if (triesOf(earlier) >= MOST_TRIES) return await end(endOf(earlier));
  const config = await configOf(plan.config_sha256);
  if (config === undefined) return await wait(ports, asked, { type: 'config' });
  const source = sourceFor(plan, config);
  if (source === undefined) return await end('config_unavailable');
  const conditions = await takeConditions(ports, plan, config, source, lockLost);
  if (conditions.type === 'waits') return await wait(ports, asked, conditions.why, conditions.detail);
  try {
    const task = { plan, config, source, signer: conditions.signer, attempt, earlier };
    return await tryTraced(context, task, asked.carrier, lockLost);
  } finally {
    await conditions.release();
  }
}

async function endUnfinished(
  { states, receipts, events, logger, now }: WorkerPorts,
  { plan, carrier }: Asked,
  reason: UnfinishedReason,
): Promise<Disposition> {
  const attempts = [...(await states.attempts(plan.drill_id))];
  const drill = { plan, carrier, queue: drillsQueue(plan.pool) };
  await tellLostAttempt(drill, attempts, now(), () => events.underWay(plan.drill_id));
  await receipts.publish({ type: 'unfinished', plan, reason, attempts, ...carrier });
  logger.warn('drill ended without a try', { drill_id: plan.drill_id, reason });
  return DONE;
}

async function wait(
  ports: WorkerPorts,
  asked: Asked,
  why: WaitReason,
  detail?: string,
): Promise<Disposition> {
  const { plan } = asked;
  const { againMs, longestMs, end } = WAITS[why.type];
  const now = ports.now();
  const known = await ports.states.waiting(plan.drill_id);
  const since = await ports.states.waitsFor(plan.drill_id, why, now);
  if (longestMs !== undefined && now.getTime() - since.getTime() >= longestMs) {
    return await endUnfinished(ports, asked, end);
  }
  if (known?.why.type !== why.type) {
    const told = describeWait(why);
    await ports.events.publish(plan.drill_id, { type: 'waiting', why: told });
    const fields = { drill_id: plan.drill_id, source: plan.source.slug, why: told };
    if (detail === undefined) ports.logger.info('drill waits', fields);
    else ports.logger.warn('drill waits', { ...fields, detail });
  }
  return { type: 'later', afterMs: againMs };
}

/** For people. */
function describeWait(why: WaitReason): string {
  if (why.type === 'room') return `no room on ${why.host}: ${why.short}`;
  if (why.type === 'isolation')
    return `nothing on ${why.host} can isolate a scratch now: see its worker's log`;
  if (why.type === 'key') return `its worker on ${why.host} has no key to sign with: see its log`;
  return why.type === 'lease'
    ? `${why.lease} is taken by another drill`
    : 'its configuration is not in Redis';
}

/** One try as a span of its own, which whoever takes the drill over tells of instead where the lock was lost. */
async function tryTraced(
  context: Delivering,
  task: DrillTask,
  carrier: Carrier,
  lockLost: AbortSignal,
): Promise<Disposition> {
  const { events, identity, now } = context.ports;
  const { plan, earlier } = task;
  const begun = now();
  const drill = { plan, carrier, queue: drillsQueue(plan.pool) };
  await tellLostAttempt(drill, earlier, begun, () => events.underWay(plan.drill_id));
  const attempt = { worker: identity.worker, started_at: begun.toISOString() };
  const opened = openAttempt({ ...drill, attempt, number: earlier.length + 1 });
  try {
    const traced = { ...task, traceId: traceIdOf(opened.context) };
    return await inContext(opened.context, () => tryDrill(context, traced, opened, begun, lockLost));
  } catch (error) {
    opened.fail(codeOf(error));
    throw error;
  } finally {
    if (!lockLost.aborted) opened.end();
  }
}

/** One try, with its beginning and its end written down. */
async function tryDrill(
  context: Delivering,
  task: DrillTask,
  attemptSpan: OpenSpan,
  begun: Date,
  lockLost: AbortSignal,
): Promise<Disposition> {
  const { ports, running, graceOver } = context;
  const { plan, config, attempt, earlier } = task;
  const drillId = plan.drill_id;
  const number = earlier.length + 1;
  await ports.states.beginAttempt(drillId, attempt, { worker: ports.identity.worker, at: begun });
  await ports.events.publish(drillId, { type: 'attempt', attempt, worker: ports.identity.worker });
  const mine = running.begin(plan);
  const spans = createDrillSpans(plan, attemptSpan, workMetrics);
  const observe = (event: DrillEvent): void => {
    spans.observe(event);
    mine.observe(event);
  };
  try {
    if (earlier.length > 0) await ports.removeCells(config, drillId).catch(() => {});
    const signal = AbortSignal.any([lockLost, graceOver, mine.cancelled]);
    const outcome = await ports.perform(task, observe, signal).catch((error: unknown) => {
      attemptSpan.fail(codeOf(error));
      ports.logger.error('a try came to no receipt', error, { drill_id: drillId, attempt: number });
    });
    spans.close();
    if (lockLost.aborted) return DONE;
    // Nobody waits for a try that somebody has cancelled.
    const again = (reason: Reason, afterMs: number) =>
      tryAgain(ports, drillId, { attempt, number }, reason, mine.cancelled.aborted ? 0 : afterMs);
    // After the last of them, the next delivery ends it.
    if (outcome === undefined) return await again('internal_error', waitAfter(earlier) ?? 0);
    const { statement, receipt } = outcome;
    const { result, reason } = statement.predicate;
    const fields = { drill_id: drillId, source: plan.source.slug, attempt: number };
    if (reason === 'cancelled' && graceOver.aborted && !mine.cancelled.aborted) {
      attemptSpan.set({ [ATTRIBUTES.outcome]: 'returned' });
      await ports.states.endAttempt(drillId, attempt, { at: ports.now(), outcome: 'returned' });
      await ports.events.publish(drillId, { type: 'returned', worker: ports.identity.worker });
      ports.logger.info('drill given back', fields);
      return { type: 'later', afterMs: 0 };
    }
    const afterMs = againAfter(statement, earlier);
    if (afterMs !== undefined && reason !== undefined) {
      return await again(reason, afterMs);
    }
    const bundle = new TextDecoder().decode(receipt);
    const message = {
      type: 'receipt',
      drill_id: drillId,
      source: plan.source.slug,
      attempt,
      bundle,
      ...(outcome.listing !== undefined && { listing: outcome.listing }),
    } as const;
    const attributes = messagingAttributes(RECEIPTS, 'send', drillId);
    const parent = attemptSpan.context;
    await span(SPANS.publish, { kind: 'producer', attributes, parent }, ({ context: published }) =>
      publishUntil(
        lockLost,
        () => ports.receipts.publish({ ...message, ...carrierOf(published) }),
        () => ports.logger.warn('the receipt waits until Redis takes it', { drill_id: drillId }),
      ),
    );
    ports.logger.info('drill ended', { ...fields, result, reason });
    return DONE;
  } finally {
    spans.close();
    mine.end();
  }
}

async function tryAgain(
  ports: WorkerPorts,
  drillId: string,
  { attempt, number }: { readonly attempt: number; readonly number: number },
  reason: Reason,
  afterMs: number,
): Promise<Disposition> {
  await ports.states.endAttempt(drillId, attempt, { at: ports.now(), outcome: 'error', reason });
  await ports.events.publish(drillId, { type: 'retry', reason, after_ms: afterMs });
  ports.logger.warn('drill is tried again', {
    drill_id: drillId,
    attempt: number,
    reason,
    after_ms: afterMs,
  });
  return { type: 'later', afterMs };
}

const PUBLISH_AGAIN_MS = 1_000;

/** A receipt outlasts an absence of Redis, unless another worker has its drill by then. */
async function publishUntil(
  lockLost: AbortSignal,
  publish: () => Promise<void>,
  onWait: () => void,
): Promise<void> {
  for (let waits = false; ; waits = true) {
    try {
      return await publish();
    } catch (error) {
      if (!isMusterError(error, 'redis_unavailable') || lockLost.aborted) throw error;
      if (!waits) onWait();
      await new Promise((resolve) => setTimeout(resolve, PUBLISH_AGAIN_MS));
    }
  }
}
