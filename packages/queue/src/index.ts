export { type BoardQueue, type BoardQueues, createBoardQueues } from './board-queues.js';
export { type BoardSessions, createBoardSessions, SESSION_SECONDS } from './board-sessions.js';
export { type CancelPorts, cancelDrill, whyNotCancelled } from './cancel-drill.js';
export {
  type AskedCatalogue,
  type Catalogues,
  createCatalogues,
} from './catalogues.js';
export { createConfigCache, createConfigInForce } from './config-cache.js';
export {
  type ConfigDocument,
  type ConfigInForce,
  type ConfigOrigin,
  type ConfigStore,
  createConfigStore,
  type PushAnswer,
} from './config-store.js';
export { openRedis, orUnavailable, type RedisUse, requireSuitable } from './connection.js';
export { consumeDrills, type DrillConsumerOptions, type DrillDelivery } from './consume-drills.js';
export { consumeReceipts, type ReceiptConsumer, type ReceiptConsumerOptions } from './consume-receipts.js';
export { consumeTakes, type TakeConsumerOptions } from './consume-takes.js';
export { consumeTicks, type TickConsumer, type TickConsumerOptions } from './consume-ticks.js';
export type { Disposition, TryConsumer } from './consume-tries.js';
export {
  createDrillEvents,
  type DrillEvents,
  type FleetEvent,
  fleetEventSchema,
  type ToldEvent,
  type UnderWay,
} from './drill-events.js';
export {
  type AddOptions,
  type AskedDrill,
  createDrillQueue,
  type DrillQueue,
  type PoolDepth,
  type QueuedDrill,
} from './drill-queue.js';
export { createDrillStates, type DrillStates, type WaitReason } from './drill-states.js';
export { createIdempotencyKeys, type IdempotencyKeys } from './idempotency-keys.js';
export type { ReceiptJob, TakeJob } from './jobs.js';
export { lackOfTakers, lackOfWorkers } from './lack-of-workers.js';
export { createLeases, type Lease, type Leases } from './leases.js';
export { type AskedLook, createLooks, type Looks } from './looks.js';
export { DEFAULT_POOL, drillsQueue, RECEIPTS, TICKS, takeLease, takesQueue } from './names.js';
export { createNewestSeen, type NewestSeen } from './newest-seen.js';
export { type OpenDrill, type OpenDrillPorts, openDrill, openDrills } from './open-drills.js';
export { createPassedBackups, type PassedBackups } from './passed-backups.js';
export { type OutlookPorts, poolOutlook } from './pool-outlook.js';
export { type PublicJobKind, publicData, publicReason } from './public-job.js';
export { createQuarantinedDrills, type QuarantinedDrills } from './quarantined-drills.js';
export { createReceiptQueue, type ReceiptDepth, type ReceiptQueue } from './receipt-queue.js';
export { type RequestPorts, requestDrill } from './request-drill.js';
export {
  endTake,
  newlyAsked,
  openTakes,
  requestTake,
  type TakeAnswer,
  type TakePorts,
} from './request-take.js';
export {
  createReservations,
  type HostCapacity,
  type Needs,
  type Reservation,
  type Reservations,
} from './reservations.js';
export {
  type Accounted,
  createSchedules,
  type ScheduleEntry,
  type Schedules,
  type Synced,
} from './schedules.js';
export {
  createServiceRegistry,
  SERVICES,
  type ServiceName,
  type ServiceRegistry,
} from './service-registry.js';
export type { Subscription } from './subscription.js';
export { createTakeHistory, type TakeHistory } from './take-history.js';
export { createTakeQueue, type TakeQueue } from './take-queue.js';
export { type TakesSeen, type TakesSeenPorts, takesSeen } from './takes-seen.js';
export { createTallies, type Tallies } from './tallies.js';
export { scheduleKey, type Tick, takeScheduleName, takeScheduleOf } from './tick.js';
export { tickJobId } from './tick-job-id.js';
export {
  createWorkerRegistry,
  type Heartbeat,
  heartbeatSchema,
  type WorkerRegistry,
} from './worker-registry.js';
