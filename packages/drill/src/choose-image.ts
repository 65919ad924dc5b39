import type { ScratchHost } from '@muster/scratch';
import type { DrillRequest, LookPorts } from './drill-ports.js';

/** Which image a backup of this major version needs, and what isolates it here. @throws as `hostFor` does. */
export async function chooseImage(
  ports: Pick<LookPorts, 'hostFor'>,
  request: Pick<DrillRequest, 'source' | 'config'>,
  major: number,
  signal: AbortSignal,
): Promise<{ readonly image: string; readonly host: ScratchHost }> {
  const image = imageFor(request, major);
  return { image, host: await ports.hostFor(image, signal) };
}

/** The image for a major version: the source's own, else the pattern of the configuration. */
function imageFor({ source, config }: Pick<DrillRequest, 'source' | 'config'>, major: number): string {
  return source.image ?? config.scratch.images[source.kind].replaceAll('{major}', String(major));
}
