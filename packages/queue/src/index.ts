export { type CancelPorts, cancelDrill } from './cancel-drill.js';
export type {
  ConfigDocument,
  ConfigInForce,
  ConfigOrigin,
  ConfigStore,
  PushAnswer,
} from './config-store.js';
export { openRedis, orUnavailable, requireSuitable } from './connection.js';
export { type DrillEvents, type FleetEvent, fleetEventSchema, type ToldEvent } from './drill-events.js';
export type {
  AddOptions,
  Disposition,
  DrillConsumer,
  DrillConsumerOptions,
  DrillDelivery,
  DrillQueue,
  QueuedDrill,
} from './drill-queue.js';
export type { DrillStates, Subscription, WaitReason } from './drill-states.js';
export type { ReceiptJob } from './jobs.js';
export type { Lease, Leases } from './leases.js';
export { DEFAULT_POOL } from './names.js';
export type { ReceiptConsumer, ReceiptConsumerOptions, ReceiptQueue } from './receipt-queue.js';
export { type RequestPorts, requestDrill } from './request-drill.js';
export type { HostCapacity, Needs, Reservation, Reservations } from './reservations.js';
export {
  type ScheduleEntry,
  type Schedules,
  type Synced,
  scheduleKey,
  type Tick,
  type TickConsumer,
  type TickConsumerOptions,
} from './schedules.js';
export type { Heartbeat, WorkerRegistry } from './worker-registry.js';
