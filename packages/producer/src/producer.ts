import { isMusterError, MusterError, type Sha256, sha256 } from '@muster/core';
import { type PushAnswer, scheduleKey, TICKS, type Tick, takeScheduleOf, tickJobId } from '@muster/queue';
import { ATTRIBUTES, messagingAttributes, SPANS, span } from '@muster/telemetry';
import { askDue } from './ask-due.js';
import { createDueReconciler } from './due-reconciler.js';
import { createDueTakes } from './due-takes.js';
import { differenceOf, type InForce, inForceOf, sourceChanges, takeDifferenceOf } from './in-force.js';
import { createLostDrills } from './lost-drills.js';
import type { ProducerPorts, ReadConfig, Refused } from './producer-ports.js';
import { createSerially } from './serially.js';

/** How often things are looked at, in ms. Tests make it quick. */
export interface ProducerOptions {
  /** Whether the configuration in force is still that. Default: 10 s. */
  readonly lookMs?: number;
  /** What was due, and what became of it. Default: 30 s. */
  readonly reconcileMs?: number;
}

export type ReloadOutcome =
  | { readonly type: 'enforced' | 'unchanged'; readonly digest: Sha256 }
  | (Omit<Refused, 'ok'> & { readonly type: 'refused' });

export interface RunningProducer {
  /** A configuration is in force and ticks are taken. @throws `config_invalid`, `config_not_found`, `redis_unavailable`, `evidence_unwritable`. */
  readonly ready: Promise<void>;
  /** Reads the file again. @throws `redis_unavailable`, `evidence_unwritable`: then nothing changed. */
  reload(): Promise<ReloadOutcome>;
  /** Takes nothing new; resolves when what runs has returned. Ticks are given 10 s, then handled by the next producer. */
  close(): Promise<void>;
}

const TICKS_AT_ONCE = 50;
const DEBOUNCE_MS = 200;
const STEP_MS = 60_000;
const SEARCH_EVERY_MS = 86_400_000;
/** What runs when it closes is given so long. */
const GRACE_MS = 10_000;
/** Stands for a file that is not there: whatever comes in its place is another. */
const NO_FILE = sha256('');

export function startProducer(ports: ProducerPorts, options: ProducerOptions = {}): RunningProducer {
  const { file, configs, schedules, logger, now } = ports;
  const closing = new AbortController();
  const overdue = new AbortController();
  const serially = createSerially();
  const dues = createDueReconciler(ports);
  const dueTakes = createDueTakes(ports);
  const lost = createLostDrills(ports);
  const closers: (() => void | Promise<void>)[] = [];
  let current: InForce | undefined;
  let fileDigest: Sha256 | undefined;
  /** False while Redis may not have the schedules of `current`: then the next look gives them to it. */
  let isSynced = false;
  let searchAt = 0;
  let searching = Promise.resolve();

  const step = (): AbortSignal => AbortSignal.any([overdue.signal, AbortSignal.timeout(STEP_MS)]);

  /** Settles what the change would lose, then puts it in force. Whatever throws leaves the old one in force. */
  const enforce = async (next: InForce): Promise<void> => {
    if (current !== undefined) {
      await dues.settle(current, differenceOf(current, next), step());
      await dueTakes.settle(current, takeDifferenceOf(current, next));
    }
    await configs.enforce(next.read.document, next.origin);
    const changes = sourceChanges(current, next);
    current = next;
    isSynced = false;
    const { added, changed, removed, unchanged } = await schedules.sync(next.entries);
    isSynced = true;
    logger.info('configuration in force', {
      digest: next.read.document.digest,
      ...changes,
      schedules_added: added,
      schedules_changed: changed,
      schedules_removed: removed,
      schedules_unchanged: unchanged,
    });
  };

  /** Works by what somebody else put in force. Undefined where it cannot be had. */
  const fetchInForce = async (): Promise<InForce | undefined> => {
    const found = await configs.inForce();
    if (found === undefined) return undefined;
    const document = await configs.get(found.digest);
    // Workers read it there.
    if (current?.read.document.digest === found.digest) {
      return document?.text === current.read.document.text ? { ...current, origin: found.origin } : undefined;
    }
    const parsed = document && ports.parse(document);
    // Another than its name says was put there by no producer.
    if (!parsed?.ok || parsed.read.document.digest !== found.digest) return undefined;
    return inForceOf(parsed.read, found.origin, ports.openStore);
  };

  const load = async (): Promise<ReloadOutcome> => {
    const standing = await fetchInForce();
    if (current === undefined) current = standing;
    if (standing !== undefined && fileDigest !== undefined && (await file.digest()) === fileDigest) {
      current = standing;
      await schedules.sync(standing.entries);
      const { digest } = standing.read.document;
      if (standing.origin.type === 'push') sayPushed(digest);
      else logger.info('the configuration file is unchanged, and in force', { digest });
      return { type: 'unchanged', digest };
    }
    const found = await file.read();
    if (!found.ok) {
      report(found);
      return { type: 'refused', faults: found.faults };
    }
    const isOverruled = standing?.origin.type === 'push' && standing.origin.fileDigest === found.fileDigest;
    const next = isOverruled ? standing : inForceOf(found.read, { type: 'file' }, ports.openStore);
    await enforce(next);
    fileDigest = found.fileDigest;
    if (isOverruled) sayPushed(next.read.document.digest);
    return { type: 'enforced', digest: next.read.document.digest };
  };

  const sayPushed = (digest: Sha256): void =>
    logger.info('the configuration that was pushed stays in force until the file changes', { digest });

  const report = ({ faults }: Pick<Refused, 'faults'>): void => {
    for (const { line, column, message } of faults) {
      logger.error(`${file.path}:${line}:${column} ${message}`);
    }
    logger.error('the configuration has faults; the one in force stays', undefined, {
      faults: faults.length,
    });
  };

  const answerPush = async (proposed: Parameters<typeof ports.parse>[0]): Promise<PushAnswer> => {
    const parsed = ports.parse(proposed);
    if (!parsed.ok) return { type: 'refused', faults: parsed.faults };
    const standing = await file.digest().catch((error: unknown) => {
      if (isMusterError(error, 'config_not_found')) return NO_FILE;
      throw error;
    });
    await enforce(pushed(parsed.read, standing));
    return { type: 'accepted', digest: parsed.read.document.digest };
  };
  const pushed = (read: ReadConfig, digest: Sha256): InForce =>
    inForceOf(read, { type: 'push', fileDigest: digest }, ports.openStore);

  /** Is what we work by still in force? After a wipe of Redis everything is put in force again. */
  const look = async (): Promise<void> => {
    const standing = await fetchInForce();
    if (standing !== undefined) {
      if (standing.read.document.digest !== current?.read.document.digest) current = standing;
      if (!isSynced) await schedules.sync(standing.entries);
      isSynced = true;
      return;
    }
    if (current === undefined) return;
    logger.warn('redis knows no configuration; putting it in force again');
    dues.forget();
    searchAt = 0;
    isSynced = false;
    await configs.enforce(current.read.document, current.origin);
    await schedules.sync(current.entries);
    isSynced = true;
  };

  const handleTick = (tick: Tick): Promise<void> => {
    const attributes = {
      ...messagingAttributes(TICKS, 'process', tickJobId(tick)),
      [ATTRIBUTES.source]: tick.slug,
      [ATTRIBUTES.schedule]: takeScheduleOf(tick.schedule) ?? tick.schedule,
    };
    return span(SPANS.tick, { kind: 'consumer', attributes }, () => answerTick(tick));
  };

  const answerTick = async ({ slug, schedule, due }: Tick): Promise<void> => {
    const key = scheduleKey(slug, schedule);
    const known = await configs.inForce();
    if (known?.digest !== current?.read.document.digest) await serially(look);
    const inForce = current;
    const take = inForce?.takes.get(key);
    if (inForce !== undefined && take !== undefined) return await dueTakes.answer(inForce, take, due);
    const scheduled = inForce?.scheduled.get(key);
    if (inForce === undefined || scheduled === undefined) {
      logger.info('a tick of a schedule that is gone', { source: slug, schedule });
      return;
    }
    const asked = await askDue(ports, inForce, scheduled, due, step());
    logger.info('tick', { source: slug, schedule, due: due.toISOString(), asked });
  };

  const reconcile = async (): Promise<void> => {
    if (current === undefined) return;
    if (now().getTime() >= searchAt) {
      searchAt = now().getTime() + SEARCH_EVERY_MS;
      // Beside the other work: it may list millions of keys.
      searching = lost.search(current.store, closing.signal).catch((error: unknown) => {
        searchAt = 0;
        if (!closing.signal.aborted) logger.error('plans and receipts could not be compared', error);
      });
    }
    const late = await dueTakes.pass(current);
    const { missed } = await dues.pass(current, lost.suspect, closing.signal);
    // Ticks come late or not at all: should one be gone from Redis, its schedule would stand still.
    if (missed + late > 0) await schedules.sync(current.entries);
    const found = await lost.pass(current.store, closing.signal);
    if (missed + found.lost > 0) logger.warn('drills without a receipt', { missed, lost: found.lost });
  };

  /** Again and again, never twice at once. */
  const every = (ms: number, what: string, work: () => Promise<void>): void => {
    let running = Promise.resolve();
    let isRunning = false;
    const run = (): void => {
      if (isRunning || closing.signal.aborted) return;
      isRunning = true;
      running = serially(work)
        .catch((error: unknown) => {
          if (!closing.signal.aborted) logger.error(what, error);
        })
        .finally(() => {
          isRunning = false;
        });
    };
    const timer = setInterval(run, ms);
    timer.unref();
    run();
    closers.push(async () => {
      clearInterval(timer);
      await running;
    });
  };

  const reload = (): Promise<ReloadOutcome> => serially(load);

  const start = async (): Promise<void> => {
    const first = await reload().catch((error: unknown) => {
      if (current === undefined || !isMusterError(error, 'config_not_found')) throw error;
      logger.error('there is no configuration file; the configuration in force stays', error);
      return undefined;
    });
    if (current === undefined) {
      const count = first?.type === 'refused' ? first.faults.length : 0;
      throw new MusterError(
        'config_invalid',
        `${file.path} has ${count} faults. Correct them and start again.`,
      );
    }
    // Where no plan can be written, no drill can be asked for.
    await current.store.probe(step());
    if (first === undefined || first.type === 'refused') await schedules.sync(current.entries);
    let debounce: NodeJS.Timeout | undefined;
    const watch = file.onChange(() => {
      clearTimeout(debounce);
      debounce = setTimeout(() => {
        reload().catch((error: unknown) => logger.error('the configuration could not be reloaded', error));
      }, DEBOUNCE_MS);
      debounce.unref();
    });
    closers.push(() => {
      clearTimeout(debounce);
      watch.close();
    });
    const pushes = await configs.onPush((proposed) => serially(() => answerPush(proposed)));
    closers.push(() => pushes.close());
    const onError = (error: Error): void => logger.error('a tick is to come again', error);
    const ticks = ports.consumeTicks({ concurrency: TICKS_AT_ONCE, handle: handleTick, onError });
    closers.push(() => ticks.close());
    await ticks.ready;
    every(options.lookMs ?? 10_000, 'the configuration in force could not be looked at', look);
    every(options.reconcileMs ?? 30_000, 'plans and receipts could not be reconciled', reconcile);
  };

  const ready = start();
  ready.catch(() => undefined);
  return {
    ready,
    reload,
    async close() {
      closing.abort();
      await ready.catch(() => undefined);
      const limit = setTimeout(() => overdue.abort(), GRACE_MS);
      for (const close of closers.reverse()) await close();
      clearTimeout(limit);
      await searching;
    },
  };
}
