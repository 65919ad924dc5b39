import { once } from 'node:events';
import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout } from 'node:timers/promises';

/**
 * What becomes of one request.
 * - `pass`: forwarded, and answered
 * - `slow`: the same, 7 s later
 * - `swallow`: forwarded, its answer lost with the connection
 * - `reset`: not forwarded, the connection lost
 * - `hang`: not forwarded, never answered
 * - `halt`: forwarded, and the body of the answer never ends
 * - `{ cut }`: forwarded, and after so many bytes of the answer's body the connection lost
 * - `{ flip }`: forwarded, and one bit of this byte of the answer's body is another
 * - a status: not forwarded, answered so, with a code of S3 or a page if one is named
 * - `{ after }`: forwarded, and answered by that status all the same
 */
export type Fate =
  | 'pass'
  | 'slow'
  | 'swallow'
  | 'reset'
  | 'hang'
  | 'halt'
  | { readonly cut: number }
  | { readonly flip: number }
  | { readonly status: number; readonly code?: string; readonly page?: string }
  | { readonly after: number };

const SLOW_MS = 7_000;

export interface S3Proxy {
  readonly endpoint: string;
  /** What the next requests of a method meet, one by one; the last stays. */
  fate(method: string, ...fates: readonly [Fate, ...Fate[]]): void;
  /** How many requests of a method came. */
  count(method: string): number;
  close(): Promise<void>;
}

/** Stands between a client and a server of S3, and does to their requests what networks do. */
export async function s3Proxy(server: string): Promise<S3Proxy> {
  const fates = new Map<string, Fate[]>();
  const counts = new Map<string, number>();
  const proxy = createServer((from, to) => {
    const method = from.method ?? '';
    counts.set(method, (counts.get(method) ?? 0) + 1);
    const waiting = fates.get(method) ?? ['pass'];
    const fate = (waiting.length > 1 ? waiting.shift() : waiting[0]) ?? 'pass';
    meet(fate, server, from, to).catch(() => to.destroy());
  }).listen(0, '127.0.0.1');
  await once(proxy, 'listening');
  return {
    endpoint: `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`,
    fate: (method, ...next) => void fates.set(method, [...next]),
    count: (method) => counts.get(method) ?? 0,
    async close() {
      proxy.closeAllConnections();
      proxy.close();
      await once(proxy, 'close');
    },
  };
}

async function meet(fate: Fate, server: string, from: IncomingMessage, to: ServerResponse): Promise<void> {
  if (fate === 'hang') return;
  if (fate === 'reset') return void from.socket.resetAndDestroy();
  const body = Buffer.concat(await Array.fromAsync(from as AsyncIterable<Buffer>));
  if (typeof fate === 'object' && 'status' in fate) return answer(to, fate.status, fate.code, fate.page);
  const { status, headers, bytes } = await forward(server, from, body);
  if (typeof fate === 'object' && 'after' in fate) return answer(to, fate.after);
  if (fate === 'swallow') return void from.socket.resetAndDestroy();
  if (fate === 'slow') await setTimeout(SLOW_MS);
  to.writeHead(status, headers);
  if (fate === 'halt') return void to.write(bytes.subarray(0, 1));
  if (typeof fate === 'object' && 'cut' in fate) {
    return void to.write(bytes.subarray(0, fate.cut), () => from.socket.destroySoon());
  }
  if (typeof fate === 'object' && 'flip' in fate) bytes.writeUInt8(bytes.readUInt8(fate.flip) ^ 1, fate.flip);
  to.end(bytes);
}

function answer(to: ServerResponse, status: number, code?: string, page = ''): void {
  to.writeHead(status, { 'content-type': page === '' ? 'application/xml' : 'text/html' });
  to.end(code === undefined ? page : `<?xml version="1.0"?><Error><Code>${code}</Code></Error>`);
}

/** Its headers as they came, the host among them: they are signed. */
async function forward(server: string, from: IncomingMessage, body: Buffer) {
  const { hostname, port } = new URL(server);
  const { method, url: path, headers } = from;
  const there = request({ hostname, port, method, path, headers, agent: false });
  there.end(body);
  const [response] = (await once(there, 'response')) as [IncomingMessage];
  const bytes = Buffer.concat(await Array.fromAsync(response as AsyncIterable<Buffer>));
  return { status: response.statusCode ?? 502, headers: response.headers, bytes };
}
