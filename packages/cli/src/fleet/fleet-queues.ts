import {
  type BoardQueues,
  type BoardSessions,
  type Catalogues,
  type ConfigStore,
  createBoardQueues,
  createBoardSessions,
  createCatalogues,
  createConfigStore,
  createDrillEvents,
  createDrillQueue,
  createDrillStates,
  createIdempotencyKeys,
  createLeases,
  createLooks,
  createNewestSeen,
  createPassedBackups,
  createQuarantinedDrills,
  createReceiptQueue,
  createReservations,
  createSchedules,
  createServiceRegistry,
  createTakeHistory,
  createTakeQueue,
  createTallies,
  createWorkerRegistry,
  type DrillEvents,
  type DrillQueue,
  type DrillStates,
  type IdempotencyKeys,
  type Leases,
  type Looks,
  type NewestSeen,
  openRedis,
  type PassedBackups,
  type QuarantinedDrills,
  type ReceiptQueue,
  type Reservations,
  requireSuitable,
  type Schedules,
  type ServiceRegistry,
  type TakeHistory,
  type TakeQueue,
  type Tallies,
  type WorkerRegistry,
} from '@muster/queue';
import type { Logger } from '@muster/telemetry';

/** Everything that goes through one Redis, over one connection for commands. */
export interface FleetQueues {
  readonly url: string;
  readonly drills: DrillQueue;
  readonly receipts: ReceiptQueue;
  readonly quarantined: QuarantinedDrills;
  readonly states: DrillStates;
  readonly events: DrillEvents;
  readonly configs: ConfigStore;
  readonly schedules: Schedules;
  readonly leases: Leases;
  readonly looks: Looks;
  readonly catalogues: Catalogues;
  readonly reservations: Reservations;
  readonly registry: WorkerRegistry;
  readonly services: ServiceRegistry;
  readonly idempotency: IdempotencyKeys;
  readonly takes: TakeQueue;
  readonly takeHistory: TakeHistory;
  readonly tallies: Tallies;
  readonly newest: NewestSeen;
  readonly passed: PassedBackups;
  readonly board: { readonly queues: BoardQueues; readonly sessions: BoardSessions };
  /** What a person should know about this Redis, in sentences. @throws `redis_unavailable`, `redis_unsuitable`. */
  check(): Promise<readonly string[]>;
  close(): Promise<void>;
}

/** For a service, whose log tells when Redis is back. */
export const serviceQueues = (url: string, logger: Pick<Logger, 'info'>): FleetQueues =>
  openQueues(url, 'commands', () => logger.info('Redis answers again'));

export function openQueues(
  url: string,
  use: 'commands' | 'foreground' = 'commands',
  onBack?: () => void,
): FleetQueues {
  const redis = openRedis(url, use, onBack);
  const drills = createDrillQueue(redis);
  const receipts = createReceiptQueue(redis);
  const schedules = createSchedules(redis);
  const takes = createTakeQueue(redis);
  const events = createDrillEvents(redis, url);
  const board = { queues: createBoardQueues(redis), sessions: createBoardSessions(redis) };
  return {
    url,
    drills,
    receipts,
    schedules,
    events,
    takes,
    takeHistory: createTakeHistory(redis),
    quarantined: createQuarantinedDrills(redis),
    states: createDrillStates(redis, url),
    configs: createConfigStore(redis, url),
    leases: createLeases(redis),
    looks: createLooks(redis),
    catalogues: createCatalogues(redis),
    reservations: createReservations(redis),
    registry: createWorkerRegistry(redis),
    services: createServiceRegistry(redis),
    idempotency: createIdempotencyKeys(redis),
    tallies: createTallies(redis),
    newest: createNewestSeen(redis),
    passed: createPassedBackups(redis),
    board,
    check: () => requireSuitable(redis),
    close: async () => {
      const closing = [drills, receipts, schedules, events, takes, board.queues].map((one) => one.close());
      await Promise.allSettled(closing);
      redis.disconnect();
    },
  };
}
