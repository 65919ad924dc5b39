import { isMusterError } from '@muster/core';
import { openDrills as allKnown, type OpenDrill as KnownDrill, openDrill as known } from '@muster/queue';
import { contextOf, traceIdOf } from '@muster/telemetry';
import type { Cli } from '../cli.js';
import { type FleetQueues, openQueues } from './fleet-queues.js';
import type { KnownConfig } from './known-config.js';

/** A drill without a stored receipt, how many tries it has had, and where it is traced. */
export interface OpenDrill extends Omit<KnownDrill, 'traceparent'> {
  readonly attempts: number;
  readonly traceId?: string | undefined;
}

/**
 * Those of the fleet, oldest first. Undefined where no fleet is named, and where none answers, which is said: then there are
 * receipts to look at.
 */
export function openDrills(
  cli: Cli,
  loaded: KnownConfig,
  source: string | undefined,
): Promise<readonly OpenDrill[] | undefined> {
  return askFleet(cli, loaded, async (queues) => {
    const drills = await allKnown(queues, { source });
    return await Promise.all(drills.toReversed().map((drill) => withAttempts(queues, drill)));
  });
}

/** One of them. */
export function openDrill(cli: Cli, loaded: KnownConfig, drillId: string): Promise<OpenDrill | undefined> {
  return askFleet(cli, loaded, async (queues) => {
    const drill = await known(queues, drillId);
    return drill && (await withAttempts(queues, drill));
  });
}

async function askFleet<T>(
  cli: Cli,
  { redis }: KnownConfig,
  ask: (queues: FleetQueues) => Promise<T>,
): Promise<T | undefined> {
  try {
    const url = await redis();
    if (url === undefined) return undefined;
    const queues = openQueues(url, 'foreground');
    try {
      return await ask(queues);
    } finally {
      await queues.close();
    }
  } catch (error) {
    if (!isMusterError(error)) throw error;
    cli.output.alert(`What is under way is not known, for the fleet could not be asked. ${error.message}`);
    return undefined;
  }
}

async function withAttempts(
  { states }: FleetQueues,
  { traceparent, ...drill }: KnownDrill,
): Promise<OpenDrill> {
  const attempts = await states.attempts(drill.drillId);
  return { ...drill, attempts: attempts.length, traceId: traceIdOf(contextOf({ traceparent })) };
}
