import {
  type Config,
  type ErrorCode,
  isMusterError,
  type MusterError,
  type Plan,
  type Source,
} from '@muster/core';
import type { WaitReason } from '@muster/queue';
import type { Signer, WorkerPorts } from './worker-ports.js';

/** What a drill holds while it is tried. */
export interface Held {
  readonly type: 'held';
  readonly signer: Signer;
  /** Idempotent, never throws. */
  release(): Promise<void>;
}

export interface Waits {
  readonly type: 'waits';
  readonly why: WaitReason;
  /** More of it, for the log. */
  readonly detail?: string;
}

/**
 * Takes all that a drill must have before it begins: a key to sign with, what it needs for itself alone, and room for its
 * scratch on this host. Where something is missing it takes nothing, and says what. @throws `redis_unavailable`, and what `capacity` throws.
 */
export async function takeConditions(
  ports: WorkerPorts,
  plan: Plan,
  config: Config,
  source: Source,
  signal: AbortSignal,
): Promise<Held | Waits> {
  const { leases, reservations, identity } = ports;
  const signer = await orUnable(ports.openSigner(config), CANNOT_SIGN);
  if (isMusterError(signer)) {
    return { type: 'waits', why: { type: 'key', host: identity.host }, detail: signer.message };
  }
  const taken: { release(): Promise<void> }[] = [];
  const release = async (): Promise<void> => {
    await Promise.all(taken.map((one) => one.release()));
  };
  try {
    for (const name of leasesOf(plan, source)) {
      const lease = await leases.acquire(name, plan.drill_id);
      if (lease === undefined) {
        await release();
        return { type: 'waits', why: { type: 'lease', lease: name } };
      }
      taken.push(lease);
    }
    const host = await orUnable(ports.capacity(config, signal), CANNOT_ISOLATE);
    if (isMusterError(host)) {
      await release();
      return { type: 'waits', why: { type: 'isolation', host: identity.host }, detail: host.message };
    }
    const { memoryBytes, diskBytes, pids } = source.scratch;
    const room = await reservations.reserve(
      plan.drill_id,
      identity.worker,
      { memoryBytes, diskBytes, pids },
      host,
    );
    if (room.short !== undefined) {
      await release();
      return { type: 'waits', why: { type: 'room', short: room.short, host: host.hostName } };
    }
    taken.push(room);
    return { type: 'held', signer, release };
  } catch (error) {
    await release();
    throw error;
  }
}

/** False where drills of this configuration wait for a key on this worker. */
export const canSign = async (
  { openSigner }: Pick<WorkerPorts, 'openSigner'>,
  config: Config,
): Promise<boolean> => !isMusterError(await orUnable(openSigner(config), CANNOT_SIGN));

const CANNOT_SIGN: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'key_unreadable',
  'key_invalid',
  'secret_unavailable',
]);
/** As while Docker restarts. */
const CANNOT_ISOLATE: ReadonlySet<ErrorCode> = new Set<ErrorCode>(['isolation_unavailable']);

/** The error, where that is what this worker cannot do at the moment. */
async function orUnable<T>(work: Promise<T>, unable: ReadonlySet<ErrorCode>): Promise<T | MusterError> {
  try {
    return await work;
  } catch (error) {
    if (isMusterError(error) && unable.has(error.code)) return error;
    throw error;
  }
}

/** A live dump has its source alone; a schedule that lets its runs wait has one at a time. */
function leasesOf({ trigger }: Plan, source: Source): readonly string[] {
  const schedule = source.schedules.find(({ name }) => name === trigger.schedule);
  return [
    ...(schedule?.overrun === 'wait' ? [`schedule:${source.slug}/${schedule.name}`] : []),
    ...(source.backup.type === 'live' ? [`source:${source.slug}`] : []),
  ];
}
