import type { Config } from '@muster/core';
import { engineOf, hostTools, postgresToolIn, type ToolRunner, toolsWithImage } from '@muster/engines';
import type { Environment } from '../environment.js';

/** Where there is no configuration. */
const IMAGE = 'postgres:{major}';

/** The tools of this machine; where it has none that fits and Docker is there, those of a scratch image, over the network. */
export const restoreTools = (environment: Environment, config: Config | undefined): ToolRunner =>
  toolsWithImage(hostTools(environment.env), async (name, major, signal) => {
    // Most restores need no Docker, and it takes longer to load than all else.
    const [{ chooseHost }, { hostOptions }] = await Promise.all([
      import('@muster/scratch'),
      import('../wiring.js'),
    ]);
    const pattern = config?.scratch.images.postgres ?? IMAGE;
    const image = pattern.replaceAll('{major}', String(major));
    const wanted = { kind: 'docker', image, named: true, env: environment.env } as const;
    const host = await chooseHost({ ...wanted, ...hostOptions(environment) }, signal);
    const base = await host.prepare({ image, probe: engineOf('postgres').probe }, signal);
    return postgresToolIn(host, base, name, major);
  });
