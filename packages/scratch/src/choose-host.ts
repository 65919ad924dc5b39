import { type IsolationChoice, MusterError } from '@muster/core';
import { createBubblewrapHost } from './bubblewrap/bubblewrap-host.js';
import { detectBubblewrap } from './bubblewrap/detect-bubblewrap.js';
import type { Env } from './docker/address.js';
import { detectDocker } from './docker/detect-docker.js';
import { createDockerHost } from './docker/docker-host.js';
import type { HostOptions, ScratchHost } from './scratch.js';

export interface WantedImage {
  /** What the scratch will run; bubblewrap runs the host's own binaries instead. */
  readonly image: string;
  /** A source names that very image: `auto` lets nothing else stand in for it. */
  readonly named: boolean;
}

export interface HostRequest extends HostOptions, WantedImage {
  readonly kind: IsolationChoice;
  /** Where to look for Docker. Default: the environment of this process. */
  readonly env?: Env;
  /** Hears why not Docker, where `auto` takes bubblewrap: for people. */
  readonly onFallback?: ((why: string) => void) | undefined;
}

/** The host that isolates scratches of this image here. @throws `isolation_unavailable`, `not_supported_yet` */
export function chooseHost(request: HostRequest, signal: AbortSignal): Promise<ScratchHost> {
  const { kind, image, named, env = process.env, onFallback, ...options } = request;
  return chooseAmong(
    { kind, image, named, onFallback },
    {
      detectDocker: () => detectDocker(env, signal),
      docker: () => createDockerHost({ ...options, env }),
      detectBubblewrap: () => detectBubblewrap(signal),
      bubblewrap: () => createBubblewrapHost(options),
    },
    signal,
  );
}

/** What there is to choose among; in tests, anything. */
export interface Candidates {
  readonly detectDocker: () => Promise<
    | {
        readonly available: true;
        hasImage(reference: string): Promise<boolean>;
        canPull(reference: string, signal: AbortSignal): Promise<boolean>;
      }
    | { readonly available: false; readonly reason: string }
  >;
  readonly docker: () => ScratchHost;
  readonly detectBubblewrap: () => Promise<
    | { readonly available: true }
    | { readonly available: false; readonly why: string; readonly remedy: string }
  >;
  readonly bubblewrap: () => ScratchHost;
}

/**
 * `auto` takes Docker where it answers and has the image or can pull it, else bubblewrap. Where Docker answers without
 * the image and there is no bubblewrap, or a source names the image, it is still Docker, which then says why it has no such image.
 */
export async function chooseAmong(
  { kind, image, named, onFallback }: Pick<HostRequest, 'kind' | 'image' | 'named' | 'onFallback'>,
  among: Candidates,
  signal: AbortSignal,
): Promise<ScratchHost> {
  if (kind === 'podman') {
    throw new MusterError(
      'not_supported_yet',
      'scratch.kind podman is not supported yet: use docker (DOCKER_HOST may name the socket of Podman) or bubblewrap',
    );
  }
  const docker = kind === 'bubblewrap' ? undefined : await among.detectDocker();
  if (docker?.available) {
    if (kind === 'docker' || named) return among.docker();
    if ((await docker.hasImage(image)) || (await docker.canPull(image, signal))) return among.docker();
  }
  if (kind === 'auto' && docker?.available === false && named) {
    throw new MusterError(
      'isolation_unavailable',
      `The source names the image ${image}, which only Docker runs. Docker: ${docker.reason}. Where a server of this machine may serve as well, leave out the \`image:\` of the source`,
    );
  }
  const cage = kind === 'docker' ? undefined : await among.detectBubblewrap();
  if (cage?.available) {
    if (docker !== undefined) onFallback?.(whyNotDocker(docker, image));
    return among.bubblewrap();
  }
  if (docker?.available) return among.docker();
  const reasons = [
    ...(docker === undefined ? [] : [`Docker: ${docker.reason}`]),
    ...(cage === undefined ? [] : [`bubblewrap: ${cage.why}; ${cage.remedy}`]),
  ];
  throw new MusterError('isolation_unavailable', `Nothing here can isolate a scratch. ${reasons.join('. ')}`);
}

const whyNotDocker = (
  docker: { readonly available: true } | { readonly available: false; readonly reason: string },
  image: string,
): string =>
  docker.available
    ? `Docker has no image ${image}, and no registry gives it: docker pull ${image}, or name another by scratch.images`
    : docker.reason;
