import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { MusterError } from '@muster/core';
import Docker from 'dockerode';
import { createDaemon, type Daemon } from './daemon.js';

export const DEFAULT_ADDRESS = 'unix:///var/run/docker.sock';

export type Env = Readonly<Record<string, string | undefined>>;

/** `DOCKER_HOST`, else the default socket. */
export const dockerAddress = (env: Env): string => env['DOCKER_HOST'] || DEFAULT_ADDRESS;

/**
 * A client for `unix://` and `tcp://` (with `DOCKER_TLS_VERIFY` and `DOCKER_CERT_PATH` as the docker command reads
 * them). It does not connect yet.
 * @throws `isolation_unavailable` for an address that is not understood.
 */
export function openDaemon(env: Env): Daemon {
  const address = dockerAddress(env);
  if (address.startsWith('unix://')) {
    return createDaemon(new Docker({ socketPath: address.slice('unix://'.length) }));
  }
  const url = URL.canParse(address) ? new URL(address) : undefined;
  if (url?.protocol !== 'tcp:' && url?.protocol !== 'http:' && url?.protocol !== 'https:') {
    throw new MusterError(
      'isolation_unavailable',
      'DOCKER_HOST is neither unix://PATH nor tcp://HOST:PORT: set it to one of them (for ssh, forward the socket: ssh -L).',
    );
  }
  const secure = url.protocol === 'https:' || (env['DOCKER_TLS_VERIFY'] ?? '') !== '';
  const port = url.port || (secure ? '2376' : '2375');
  const host = url.hostname;
  return createDaemon(
    new Docker(
      secure ? { protocol: 'https', host, port, ...certificates(env) } : { protocol: 'http', host, port },
    ),
  );
}

function certificates(env: Env): { readonly ca?: Buffer; readonly cert?: Buffer; readonly key?: Buffer } {
  const directory = env['DOCKER_CERT_PATH'] ?? join(env['HOME'] ?? '', '.docker');
  try {
    const read = (name: string): Buffer => readFileSync(join(directory, name));
    return { ca: read('ca.pem'), cert: read('cert.pem'), key: read('key.pem') };
  } catch (cause) {
    throw new MusterError(
      'isolation_unavailable',
      `Docker's ca.pem, cert.pem and key.pem cannot be read in ${directory}: put them there or set DOCKER_CERT_PATH.`,
      { cause },
    );
  }
}
