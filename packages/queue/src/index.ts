export { type CancelPorts, cancelDrill } from './cancel-drill.js';
export type {
  ConfigDocument,
  ConfigInForce,
  ConfigOrigin,
  ConfigStore,
  PushAnswer,
} from './config-store.js';
export { openRedis, orUnavailable, requireSuitable } from './connection.js';
export {
  consumeDrills,
  type Disposition,
  type DrillConsumer,
  type DrillConsumerOptions,
  type DrillDelivery,
} from './consume-drills.js';
export { consumeReceipts, type ReceiptConsumer, type ReceiptConsumerOptions } from './consume-receipts.js';
export {
  createDrillEvents,
  type DrillEvents,
  type FleetEvent,
  fleetEventSchema,
  type ToldEvent,
} from './drill-events.js';
export { type AddOptions, createDrillQueue, type DrillQueue, type QueuedDrill } from './drill-queue.js';
export { createDrillStates, type DrillStates, type Subscription, type WaitReason } from './drill-states.js';
export type { ReceiptJob } from './jobs.js';
export type { Lease, Leases } from './leases.js';
export { DEFAULT_POOL } from './names.js';
export { createReceiptQueue, type ReceiptQueue } from './receipt-queue.js';
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
