import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';

/** A port of loopback that nobody listens on at this moment. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

/** As {@link freePort}, for what takes its time to listen: none that this machine gives to its connections meanwhile. */
export async function quietPort(): Promise<number> {
  const server = createServer().listen(QUIET.from + randomInt(QUIET.count), '127.0.0.1');
  try {
    await once(server, 'listening');
  } catch {
    return await quietPort();
  }
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

/** Below what systems give away by themselves (`ip_local_port_range`). */
const QUIET = { from: 20_000, count: 12_000 } as const;
