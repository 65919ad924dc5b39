import { randomBytes } from 'node:crypto';
import { lookup } from 'node:dns/promises';
import { lstat, rm } from 'node:fs/promises';
import { BlockList, createConnection } from 'node:net';
import {
  type ApiConfig,
  type ApiToken,
  DEFAULT_LISTEN,
  describeListen,
  errnoOf,
  type Listen,
  MusterError,
  sha256,
} from '@muster/core';
import type { ApiOptions, ApiPorts } from './api-ports.js';
import { BOARD } from './board/board-routes.js';
import { buildServer } from './server.js';

export interface RunningApi {
  /** For people, and for programs: `http://127.0.0.1:7655` or `unix:/path`. */
  readonly address: string;
  /** Of the page that shows the queues; none where it listens on a socket, which no browser opens. */
  readonly board?: string;
  /** Where no token is configured: the one that was made for this run, an admin's. */
  readonly madeToken?: string;
  /** From now on these count, and no others. @throws `tokens_missing` where there are none. */
  useTokens(tokens: readonly ApiToken[]): void;
  /** Takes no new requests; resolves when those it had are answered, and streams ended. */
  close(): Promise<void>;
}

/** A token nobody guesses: 256 bits. */
export function makeToken(): { readonly token: string; readonly sha256: string } {
  const token = `mst_${randomBytes(32).toString('base64url')}`;
  return { token, sha256: sha256(token).replace('sha256:', '') };
}

/**
 * Serves the API. Without a configured token it makes one, and then listens on loopback only.
 * @throws `tokens_missing`, `address_unavailable`.
 */
export async function startApi(
  ports: ApiPorts,
  { listen = DEFAULT_LISTEN, tokens }: ApiConfig,
  { version }: Pick<ApiOptions, 'version'>,
): Promise<RunningApi> {
  if (tokens.length === 0 && !(await isLocal(listen))) {
    throw new MusterError(
      'tokens_missing',
      `The API does not listen on ${describeListen(listen)} without tokens: make some with \`muster token generate\` and put them into api.tokens, or listen on loopback.`,
    );
  }
  const made = tokens.length === 0 ? makeToken() : undefined;
  let known: readonly ApiToken[] = made
    ? [{ name: 'made-at-start', role: 'admin', sha256: made.sha256 }]
    : tokens;
  const server = await buildServer(ports, { tokens: () => known, version });
  try {
    if ('path' in listen) await removeStaleSocket(listen.path);
    await server.listen(listen);
  } catch (cause) {
    await server.close();
    throw new MusterError(
      'address_unavailable',
      `The API cannot listen on ${describeListen(listen)} (${errnoOf(cause) ?? 'unknown'}): free it, or name another with api.listen.`,
      { cause },
    );
  }
  const address = 'path' in listen ? describeListen(listen) : addressOf(server.server.address());
  return {
    address,
    ...('host' in listen && { board: `${address}${BOARD}` }),
    ...(made && { madeToken: made.token }),
    useTokens: (next) => {
      if (next.length === 0)
        throw new MusterError(
          'tokens_missing',
          'The configuration has no tokens of the API any more: those from before count on.',
        );
      known = next;
    },
    close: () => server.close(),
  };
}

const LOOPBACK = new BlockList();
LOOPBACK.addSubnet('127.0.0.0', 8);
LOOPBACK.addAddress('::1', 'ipv6');

/** False where another machine can reach it. What a name begins with says nothing: where it leads, does. */
async function isLocal(listen: Listen): Promise<boolean> {
  if ('path' in listen) return true;
  const addresses = await lookup(listen.host, { all: true }).catch(() => []);
  const areLocal = addresses.every(({ address, family }) =>
    LOOPBACK.check(address, family === 6 ? 'ipv6' : 'ipv4'),
  );
  return addresses.length > 0 && areLocal;
}

function addressOf(address: ReturnType<import('node:net').Server['address']>): string {
  if (address === null || typeof address === 'string') return address ?? '';
  return `http://${address.family === 'IPv6' ? `[${address.address}]` : address.address}:${address.port}`;
}

/** What a process that was killed left. One that answers is somebody's, and what is no socket is no business of this. */
async function removeStaleSocket(path: string): Promise<void> {
  const there = await lstat(path).catch(() => undefined);
  if (!there?.isSocket()) return;
  const answers = await new Promise<boolean>((resolve) => {
    const client = createConnection(path, () => {
      client.destroy();
      resolve(true);
    });
    client.once('error', (error) => resolve(errnoOf(error) !== 'ECONNREFUSED'));
  });
  if (!answers) await rm(path, { force: true });
}
