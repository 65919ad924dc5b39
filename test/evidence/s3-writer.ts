// A process that writes objects once each into an S3 evidence store, and prints what became of each: argv is the
// endpoint, the bucket, its own name and the number of objects. It begins when it is told so on stdin.
import { once } from 'node:events';
import { createS3Store } from '@muster/evidence';
import { S3_KEY } from '../support/s3-server.ts';

const [, , endpoint = '', bucket = '', name = '', count = '0'] = process.argv;
const store = createS3Store({
  bucket,
  prefix: 'evidence',
  endpoint,
  credentials: async () => S3_KEY,
  now: () => new Date(),
});
const { signal } = new AbortController();
await store.get('nothing', signal).catch(() => {});
console.log('ready');
await once(process.stdin, 'data');
const keys = Array.from({ length: Number(count) }, (_, index) => `receipts/shop/${index}`);
const outcomes = await Promise.all(keys.map((key) => store.putOnce(key, Buffer.from(name), signal)));
console.log(JSON.stringify(outcomes));
process.exit();
