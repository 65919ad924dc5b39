import { readFile } from 'node:fs/promises';
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3';

// `make-bucket.mjs ENDPOINT BUCKET`: the bucket of the evidence, with Object Lock, which only a new bucket can be given.

const [endpoint, Bucket] = process.argv.slice(2);
const secret = async (name) => (await readFile(`/secrets/s3/${name}`, 'utf8')).trim();
const client = new S3Client({
  endpoint,
  region: 'us-east-1',
  forcePathStyle: true,
  credentials: { accessKeyId: await secret('access_key'), secretAccessKey: await secret('secret_key') },
});
try {
  await client.send(new CreateBucketCommand({ Bucket, ObjectLockEnabledForBucket: true }));
  console.log(`bucket ${Bucket} made`);
} catch (error) {
  if (error.name !== 'BucketAlreadyOwnedByYou') throw error;
  console.log(`bucket ${Bucket} is there`);
}
