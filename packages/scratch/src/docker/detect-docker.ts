import { errnoOf, isMusterError } from '@muster/core';
import { cancelled, refuseIfAborted, within } from '../limit.js';
import { dockerAddress, type Env, openDaemon } from './address.js';
import { reasonOf, statusOf } from './daemon.js';
import { findImage, REGISTRY_MS } from './prepare.js';

export type DockerFound =
  | {
      readonly available: true;
      readonly version: string;
      readonly address: string;
      hasImage(reference: string): Promise<boolean>;
      /** Asks the registry for no more than whether it has the image, within 10 s. */
      canPull(reference: string, signal: AbortSignal): Promise<boolean>;
    }
  /** `reason`: for people, with what to do. */
  | { readonly available: false; readonly reason: string; readonly address: string };

const ANSWER_MS = 3_000;

/** Asks whether a Docker daemon answers, within 3 s; never throws but `cancelled`. */
export async function detectDocker(env: Env, signal: AbortSignal): Promise<DockerFound> {
  refuseIfAborted(signal, 'the look for Docker');
  const address = dockerAddress(env);
  try {
    const daemon = openDaemon(env);
    const version = await within(ANSWER_MS, `an answer of Docker at ${address}`, daemon.version());
    return {
      available: true,
      version,
      address,
      hasImage: async (reference) => (await findImage(daemon, reference)) !== undefined,
      canPull: async (reference, abort) => {
        const limit = AbortSignal.any([abort, AbortSignal.timeout(REGISTRY_MS)]);
        try {
          await daemon.askRegistry(reference, limit);
          return true;
        } catch {
          refuseIfAborted(abort, 'the question to the registry');
          return false;
        }
      },
    };
  } catch (error) {
    if (signal.aborted) throw cancelled('the look for Docker');
    return { available: false, address, reason: whyNot(error, address) };
  }
}

function whyNot(error: unknown, address: string): string {
  if (isMusterError(error)) return error.message;
  const code = errnoOf(error);
  if (code === 'EACCES' || code === 'EPERM') {
    return `this user may not use Docker at ${address}: add it to the group that owns the socket`;
  }
  if (code === 'ENOENT' || code === 'ECONNREFUSED') {
    return `no Docker daemon listens at ${address}: install and start Docker, or set DOCKER_HOST`;
  }
  return `what listens at ${address} does not answer as Docker does${statusOf(error) === undefined ? '' : ` (${statusOf(error)})`}: ${reasonOf(error)}`;
}
