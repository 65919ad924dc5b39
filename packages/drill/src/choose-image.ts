import type { Source } from '@muster/core';
import type { ScratchHost } from '@muster/scratch';
import type { DrillRequest, LookPorts } from './drill-ports.js';

export interface ChosenImage {
  readonly image: string;
  readonly host: ScratchHost;
  /** What to do where the image cannot be had, if there is more to say than of any. */
  readonly remedy: string | undefined;
}

/** Which image a backup of this major version needs, and what isolates it here. @throws as `hostFor` does. */
export async function chooseImage(
  ports: Pick<LookPorts, 'hostFor'>,
  request: Pick<DrillRequest, 'source' | 'config'>,
  major: number,
  signal: AbortSignal,
): Promise<ChosenImage> {
  const image = imageFor(request, major);
  const host = await ports.hostFor({ image, named: request.source.image !== undefined }, signal);
  return { image, host, remedy: remedyFor(request.source, major) };
}

/** The image for a major version: the source's own, else the pattern of the configuration. */
function imageFor({ source, config }: Pick<DrillRequest, 'source' | 'config'>, major: number): string {
  return source.image ?? config.scratch.images[source.kind].replaceAll('{major}', String(major));
}

function remedyFor({ image, backup }: Source, major: number): string | undefined {
  if (backup.type === 'pgbackrest') {
    const tag = image ?? `muster.local/postgres-pgbackrest:${major}`;
    return `Build one that has pgBackRest (docker build --build-arg MAJOR=${major} -t ${tag} deploy/pgbackrest), and name it with \`image:\` of the source`;
  }
  if (image === undefined) return undefined;
  return `Pull or load it there (docker pull ${image}), or name another with \`image:\` of the source`;
}
