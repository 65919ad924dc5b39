import { probePostgresIndex } from '@muster/index';
import { openRedis, requireSuitable } from '@muster/queue';
import type { Cli } from '../cli.js';
import { namedRedis } from '../fleet/redis-place.js';
import type { LoadedConfig } from '../load-config.js';
import { resolveSecret } from '../resolve-secret.js';
import { examine, type Finding } from './finding.js';

/** Do the Redis and the index answer that the configuration names? Where it names none, `muster up` has its own. */
export async function examineFleet({ environment }: Cli, { config }: LoadedConfig): Promise<Finding[]> {
  const findings: Finding[] = [];
  if (config.redis.url !== undefined || environment.env['MUSTER_REDIS_URL'])
    findings.push(
      await examine('redis', async () => examineRedis((await namedRedis(environment, config)) ?? '')),
    );
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
