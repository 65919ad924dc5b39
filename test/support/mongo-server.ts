import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MongoClient } from 'mongodb';
import { docker } from './docker-cli.ts';
import { eventually } from './eventually.ts';
import { IMAGES } from './images.ts';

/** A server for MongoDB that is dumped live. The caller closes it. */
export interface MongoServer {
  readonly client: MongoClient;
  /** With the options given, such as `appName=x`. */
  uri(database: string, options?: string): string;
  close(): Promise<void>;
}

const PATIENCE = { serverSelectionTimeoutMS: 1_000 } as const;

export async function startMongo(): Promise<MongoServer> {
  const sockets = await mkdtemp(join(tmpdir(), 'muster-mongo-'));
  // Its user has another number than the one who asks.
  await chmod(sockets, 0o777);
  const container = await docker(
    ...['run', '--detach', '--label', 'muster.test=mongo', '--network', 'none', '--user', 'mongodb'],
    ...['--tmpfs', '/data/db:mode=1777', '--volume', `${sockets}:/sockets`, '--entrypoint', 'mongod'],
    ...[IMAGES.mongo, '--dbpath', '/data/db', '--unixSocketPrefix', '/sockets', '--filePermissions', '0777'],
  );
  const socket = encodeURIComponent(join(sockets, 'mongodb-27017.sock'));
  const uri: MongoServer['uri'] = (database, options = '') => `mongodb://${socket}/${database}?${options}`;
  let client = new MongoClient(uri('admin'), PATIENCE);
  const close = async (): Promise<void> => {
    await client.close();
    await docker('rm', '--force', '--volumes', container);
    await rm(sockets, { recursive: true, force: true });
  };
  try {
    await eventually(
      'the server answers',
      async () => {
        const answer = await client
          .db('admin')
          .command({ ping: 1 })
          .catch(() => undefined);
        if (answer !== undefined) return true;
        // One that asked before there was a server does not always come to ask it.
        await client.close();
        client = new MongoClient(uri('admin'), PATIENCE);
        return false;
      },
      60_000,
    );
  } catch (error) {
    await close();
    throw error;
  }
  return { client, uri, close };
}
