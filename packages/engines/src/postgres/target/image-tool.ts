import type { Base, ScratchHost } from '@muster/scratch';
import type { ToolImage } from '../../target/tool-runner.js';
import { chooseInstallation, FALLBACK_USER } from '../admit.js';
import { parseProbe } from '../probe.js';

/** Where a tool of PostgreSQL is in an image. @throws `version_unavailable`, `image_unavailable`. */
export function postgresToolIn(host: ScratchHost, base: Base, name: string, major: number): ToolImage {
  const image = parseProbe(base.facts);
  const { bindir, version } = chooseInstallation(image, major, `the image ${base.image ?? ''}`);
  return {
    host,
    base,
    tool: { path: `${bindir}/${name}`, version, user: image.user ?? FALLBACK_USER },
  };
}
