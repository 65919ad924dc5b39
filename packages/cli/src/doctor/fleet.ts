import { probePostgresIndex } from '@muster/index';
import { createServiceRegistry, openRedis, requireSuitable, SERVICES, type ServiceName } from '@muster/queue';
import type { Cli } from '../cli.js';
import { namedRedis } from '../fleet/redis-place.js';
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

const MEANS: Readonly<Record<ServiceName, string>> = {
  producer: 'no schedule asks for a drill',
  sink: 'no receipt is stored',
};

/** What it means for a fleet that nobody does this work, in sentences. */
export const lackOf = (alive: Readonly<Record<ServiceName, number>>): readonly string[] =>
  SERVICES.filter((service) => alive[service] === 0).map(
    (service) => `No ${service} runs on it: ${MEANS[service]}. Start one: muster ${service} (or muster up).`,
  );
