import {
  type Config,
  createPlan,
  newDrillId,
  type Preflight,
  preflightOf,
  type RestorePoint,
  type Source,
  writeSecretRef,
} from '@muster/core';
import { preflight } from '@muster/drill';
import type { Cli } from '../cli.js';
import { findRedis } from '../fleet/redis-place.js';
import { sourceFindings } from '../render/preflight.js';
import { lookPorts } from '../wiring.js';
import { examine, type Finding } from './finding.js';

export interface Examined {
  readonly findings: readonly Finding[];
  readonly preflight: Preflight;
}

/** What is asked of a source. */
export interface SourceAsked {
  readonly restorePoint: RestorePoint;
  /** Whose restore point that is. */
  readonly schedule?: string | undefined;
  /** All that is known of it, its fleet and its live database included. */
  readonly whole: boolean;
}

/** What the next drill of this source would take and need, and why it would wait or be refused. */
export async function examineSource(
  cli: Cli,
  config: Config,
  source: Source,
  asked: SourceAsked,
  signal: AbortSignal,
): Promise<Examined> {
  const { environment } = cli;
  const { schedule, whole } = asked;
  if (source.backup.type === 'live' && !whole) {
    const where = source.connection === undefined ? 'nowhere' : writeSecretRef(source.connection.uri);
    const why = `dumped live from ${where}; name it with --source to try the connection`;
    const known = preflightOf(source, { unknown: [{ what: 'backup', why }] });
    return { findings: sourceFindings(known, environment.now(), whole), preflight: known };
  }
  const plan = createPlan(config, source, {
    drillId: newDrillId(environment.now()),
    trigger: { kind: 'cli' },
    restorePoint: asked.restorePoint,
  });
  let fellBack: string | undefined;
  const ports = lookPorts(environment, config, (why) => {
    fellBack = why;
  });
  const request = { plan, config, source, restorePoint: asked.restorePoint };
  const look = await preflight(ports, request, { host: environment.hostname }, signal);
  const { fleet, fault } = whole ? await lookAtFleet(cli, config, source) : {};
  const known = preflightOf(source, { look, fleet, schedule });
  const findings = sourceFindings(known, environment.now(), whole, fellBack);
  return { findings: [...findings, ...(fault ? [fault] : [])], preflight: known };
}

/** Where there is a fleet. That it does not answer keeps no drill from running here. */
async function lookAtFleet(
  { environment }: Cli,
  config: Config,
  source: Source,
): Promise<{ readonly fleet?: Preflight['fleet']; readonly fault?: Finding }> {
  let fleet: Preflight['fleet'];
  const found = await examine(`${source.slug}: fleet`, async () => {
    const url = await findRedis(environment, config);
    if (url === undefined) return 'none is named, and none runs here';
    const [{ openQueues }, { poolOutlook }] = await Promise.all([
      import('../fleet/fleet-queues.js'),
      import('@muster/queue'),
    ]);
    const queues = openQueues(url, 'foreground');
    try {
      fleet = await poolOutlook(queues, source);
    } finally {
      await queues.close();
    }
    return '';
  });
  // `redis` of the fleet says it already where one is named.
  if (found.outcome === 'fault') return { fault: { ...found, outcome: 'warning' } };
  return fleet === undefined ? {} : { fleet };
}
