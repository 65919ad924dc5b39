import type { Config } from './config/config.js';

/** The pools that drills or takes of these sources need workers of. */
export const poolsOf = (config: Pick<Config, 'sources'> | undefined): ReadonlySet<string> =>
  new Set(
    (config?.sources ?? []).flatMap(({ pool, take }) => [pool, ...(take === undefined ? [] : [take.pool])]),
  );
