import { type Config, MusterError, parseConfig, type Source } from '@muster/core';
import type { EvidenceStore } from '@muster/evidence';
import type { Cli } from '../cli.js';
import { openEvidenceStore } from '../evidence-store.js';
import { type EvidencePlaces, evidencePlaces } from '../load-config.js';
import { type FleetQueues, openQueues } from './fleet-queues.js';

/** What the producer put in force. */
export interface ConfigInForce {
  readonly config: Config;
  readonly evidence: EvidencePlaces;
  readonly store: EvidenceStore;
}

/** @throws `producer_unavailable` where nothing is in force. */
export async function configInForce({ environment }: Cli, { configs }: FleetQueues): Promise<ConfigInForce> {
  const inForce = await configs.inForce();
  const document = inForce && (await configs.get(inForce.digest));
  const parsed =
    document && parseConfig(document.text, { file: document.digest, baseDirectory: document.directory });
  if (document === undefined || !parsed?.ok) {
    throw new MusterError(
      'producer_unavailable',
      'No configuration is in force in this fleet: start muster producer (or muster up).',
    );
  }
  const evidence = evidencePlaces(parsed.config, document.directory);
  return { config: parsed.config, evidence, store: openEvidenceStore(evidence.store, environment) };
}

/** The same, of the Redis at `url`. @throws `redis_unavailable`, `producer_unavailable`. */
export async function askConfigInForce(cli: Cli, url: string): Promise<ConfigInForce> {
  const queues = openQueues(url, 'foreground');
  try {
    return await configInForce(cli, queues);
  } finally {
    await queues.close();
  }
}

/** @throws `usage`, listing what there is. */
export function sourceInForce({ config }: ConfigInForce, slug: string | undefined): Source {
  const [only] = config.sources;
  if (slug === undefined && config.sources.length === 1 && only !== undefined) return only;
  const source = config.sources.find((one) => one.slug === slug);
  if (source !== undefined) return source;
  const what = slug === undefined ? 'Which source? Name it with --source' : `There is no source "${slug}"`;
  const slugs = config.sources.slice(0, SHOWN).map((one) => one.slug);
  const more = config.sources.length > SHOWN ? `, and ${config.sources.length - SHOWN} more` : '';
  throw new MusterError('usage', `${what}: the configuration in force has ${slugs.join(', ')}${more}.`);
}

const SHOWN = 20;
