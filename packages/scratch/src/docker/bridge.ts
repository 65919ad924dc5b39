import { createServer, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { MusterError } from '@muster/core';
import { pause } from '../limit.js';
import type { Cell } from './cell.js';
import { execInCell } from './exec.js';

export interface Bridge {
  /** Listens on the socket `name` and carries each connection to the TCP port on the cell's loopback. */
  expose(name: string, tcpPort: number): Promise<void>;
  close(): Promise<void>;
}

/** Reaches a server where no directory can be shared: each connection is a process in the cell. */
export function createBridge(cell: Cell, directory: string): Bridge {
  const servers: Server[] = [];
  const closing = new AbortController();
  const connections = new Set<Promise<void>>();
  return {
    expose: async (name, tcpPort) => {
      const server = createServer({ allowHalfOpen: true }, (client) => {
        const connection = carry(cell, client, tcpPort, closing.signal).finally(() =>
          connections.delete(connection),
        );
        connections.add(connection);
      });
      await new Promise<void>((resolve, reject) => {
        server.once('error', (cause) =>
          reject(new MusterError('launch_failed', `Cannot listen on a socket in ${directory}`, { cause })),
        );
        server.listen(join(directory, name), resolve);
      });
      servers.push(server);
    },
    close: async () => {
      for (const server of servers) server.close();
      closing.abort();
      await Promise.all(connections);
    },
  };
}

/** How long the process may go on after its client left without a word. */
const LINGER_MS = 1_000;

async function carry(cell: Cell, client: Socket, tcpPort: number, closing: AbortSignal): Promise<void> {
  const left = new AbortController();
  client.on('error', () => {});
  client.once('close', () => void pause(LINGER_MS).then(() => left.abort()));
  try {
    await execInCell(
      cell,
      {
        argv: ['/bin/sh', '-c', CONNECT, 'connect', String(tcpPort)],
        // Not the socket itself: when the process ends first, what it said last must still reach the client.
        stdin: client.pipe(new PassThrough()),
        stdout: client,
      },
      AbortSignal.any([left.signal, closing]),
    );
    client.end();
  } catch {
    client.destroy();
  }
}

/** With bash, which Debian's and Alpine's official images have, else with a netcat (BusyBox has one). */
const CONNECT = `if command -v bash >/dev/null 2>&1; then
exec bash -c 'exec 3<>"/dev/tcp/127.0.0.1/$0" 4<&0 || exit 1
cat <&4 >&3 & cat <&3; kill "$!" 2>/dev/null' "$1"
else
exec nc 127.0.0.1 "$1"
fi`;
