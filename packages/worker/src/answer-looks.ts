import type { Config } from '@muster/core';
import type { AskedLook } from '@muster/queue';
import { type Answerer, createAnswerer } from './answerer.js';
import { canSign } from './conditions.js';
import { sourceFor } from './source-for.js';
import type { WorkerPorts } from './worker-ports.js';

/** Looks at backups for those who cannot reach them. */
export const createLookAnswerer = (
  ports: Pick<WorkerPorts, 'look' | 'looks' | 'openSigner' | 'logger'>,
  pool: string,
  configOf: (digest: string) => Promise<Config | undefined>,
): Answerer =>
  createAnswerer(
    { what: 'a look at the backups of a source', logger: ports.logger },
    () => ports.looks.next(pool),
    (asked, signal) => answerOne(ports, asked, configOf, signal),
  );

async function answerOne(
  ports: Pick<WorkerPorts, 'look' | 'looks' | 'openSigner'>,
  asked: AskedLook,
  configOf: (digest: string) => Promise<Config | undefined>,
  signal: AbortSignal,
): Promise<void> {
  const { plan } = asked;
  const config = await configOf(plan.config_sha256);
  const source = config && sourceFor(plan, config);
  if (config === undefined || source === undefined) return;
  const [look, signs] = await Promise.all([
    ports.look({ plan, config, source }, signal),
    canSign(ports, config),
  ]);
  await ports.looks.tell(asked, { ...look, ...(!signs && { waits_for: 'key' as const }) });
}
