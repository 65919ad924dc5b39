import type { Source } from '@muster/core';
import { probePostgresIndex } from '@muster/index';
import {
  createSchedules,
  createServiceRegistry,
  createTakeHistory,
  openRedis,
  requireSuitable,
  SERVICES,
  type ServiceName,
  type TakesSeen,
  takesSeen,
} from '@muster/queue';
import type { Cli } from '../cli.js';
import { findRedis, namedRedis } from '../fleet/redis-place.js';
import type { LoadedConfig } from '../load-config.js';
import { resolveSecret } from '../resolve-secret.js';
import { examine, type Finding } from './finding.js';

/** Do the Redis and the index answer that the configuration names? Where it names none, `muster up` has its own. */
export async function examineFleet({ environment }: Cli, { config }: LoadedConfig): Promise<Finding[]> {
  const findings: Finding[] = [];
  if (config.redis.url !== undefined || environment.env['MUSTER_REDIS_URL']) {
    const url = async (): Promise<string> => (await namedRedis(environment, config)) ?? '';
    const redis = await examine('redis', async () => examineRedis(await url()));
    findings.push(redis);
    if (redis.outcome !== 'fault')
      findings.push(await examine('services', async () => examineServices(await url())));
  }
  if (config.sources.some(({ take }) => take !== undefined)) {
    const url = await findRedis(environment, config).catch(() => undefined);
    if (url !== undefined)
      findings.push(await examine('takes', () => examineTakes(url, config.sources, environment.now)));
  }
  const { url } = config.index;
  if (url !== undefined)
    findings.push(
      await examine('index', async () => {
        const { location, isMade } = await probePostgresIndex(await resolveSecret(url, environment.env));
        return isMade ? location : `${location} · its tables are made on first use`;
      }),
    );
  return findings;
}

async function examineRedis(url: string): Promise<string | Omit<Finding, 'subject'>> {
  const redis = openRedis(url, 'foreground');
  try {
    const warnings = await requireSuitable(redis);
    return warnings.length === 0 ? 'answers' : { outcome: 'warning', detail: warnings.join(' ') };
  } finally {
    redis.disconnect();
  }
}

async function examineServices(url: string): Promise<string | Omit<Finding, 'subject'>> {
  const redis = openRedis(url, 'foreground');
  try {
    const lacking = lackOf(await createServiceRegistry(redis).count());
    return lacking.length === 0
      ? 'a producer and a sink run'
      : { outcome: 'warning', detail: lacking.join(' ') };
  } finally {
    redis.disconnect();
  }
}

async function examineTakes(
  url: string,
  sources: readonly Source[],
  now: () => Date,
): Promise<string | Omit<Finding, 'subject'>> {
  const redis = openRedis(url, 'foreground');
  const schedules = createSchedules(redis);
  try {
    return takesFinding(await takesSeen({ takeHistory: createTakeHistory(redis), schedules, now }, sources));
  } finally {
    await schedules.close();
    redis.disconnect();
  }
}

/** What is wrong with how backups are taken, by source. */
export function takesFinding(
  seen: ReadonlyMap<string, Pick<TakesSeen, 'findings'>>,
): string | Omit<Finding, 'subject'> {
  const told = [...seen].flatMap(([slug, { findings }]) =>
    findings.map(({ message }) => `${slug}: ${message}`),
  );
  return told.length === 0
    ? 'backups are taken when they are due'
    : { outcome: 'warning', detail: told.join(' ') };
}

const MEANS: Readonly<Record<ServiceName, string>> = {
  producer: 'no schedule asks for a drill',
  sink: 'no receipt is stored',
};

/** What it means for a fleet that nobody does this work, in sentences. */
export const lackOf = (alive: Readonly<Record<ServiceName, number>>): readonly string[] =>
  SERVICES.filter((service) => alive[service] === 0).map(
    (service) => `No ${service} runs on it: ${MEANS[service]}. Start one: muster ${service} (or muster up).`,
  );
