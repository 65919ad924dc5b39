import { openRedis } from './connection.js';

export interface Subscription {
  close(): Promise<void>;
}

/** Hears a channel of the Redis at `redisUrl`, over a connection of its own; resolves when it listens. */
export async function subscribe(
  redisUrl: string,
  channel: string,
  listener: (message: string) => void,
): Promise<Subscription> {
  const connection = openRedis(redisUrl, 'blocking');
  connection.on('message', (_channel: string, message: string) => listener(message));
  await connection.subscribe(channel);
  return {
    close: async () => connection.disconnect(),
  };
}
