import { MusterError } from '@muster/core';
import { cancelDrill, whyNotCancelled } from '@muster/queue';
import type { Cli } from '../cli.js';
import { withFleet } from '../fleet/with-fleet.js';
import { EXIT } from '../problem.js';

export const CANCELLED = {
  cancelled: 'cancelled before any worker took it; its receipt follows',
  stopping: 'its worker was told to stop; its receipt follows',
} as const;

/** `muster drill cancel`: asks, and does not wait for the receipt. */
export function drillCancel(cli: Cli, drillId: string): Promise<number> {
  return withFleet(cli, async ({ queues }) => {
    const by = `${cli.environment.env['USER'] || 'somebody'}@${cli.environment.hostname}`;
    const outcome = await cancelDrill(queues, drillId, by);
    if (outcome !== 'cancelled' && outcome !== 'stopping') {
      throw new MusterError('drill_not_found', `${whyNotCancelled(drillId, outcome)} See muster drill list.`);
    }
    cli.output.result({ drill_id: drillId, outcome }, () => [`${drillId}: ${CANCELLED[outcome]}`]);
    return EXIT.pass;
  });
}
