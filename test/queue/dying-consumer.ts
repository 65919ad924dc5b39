// A worker of the default pool that says which try it was given, and then waits to be killed: argv is the URL of Redis,
// the lock's duration and the interval of the stalled sweep in ms. With `close` as the fourth, its drill ends when it is
// told something on stdin; it closes then, and ends: a close that does not return is what the tests would see.
import { once } from 'node:events';
import { consumeDrills } from '@muster/queue';

const [, , url = '', lockDuration, stalledInterval, close] = process.argv;
const told = close ? once(process.stdin, 'data') : new Promise<never>(() => {});
const consumer = consumeDrills(
  url,
  {
    pool: 'default',
    concurrency: 1,
    handle: async ({ attempt }) => {
      console.log(`attempt ${attempt}`);
      await told;
      return { type: 'done' };
    },
    onError: () => {},
  },
  { lockDuration: Number(lockDuration), stalledInterval: Number(stalledInterval) },
);
await consumer.ready;
console.log('ready');
await told;
await consumer.close();
process.exit(0);
