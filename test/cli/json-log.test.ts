import { expect, it } from 'vitest';
import { musterFolder } from '../support/muster.ts';
import { startRedis } from '../support/redis-server.ts';

const CONFIG = `sources:
  - { slug: shop, kind: postgres, backup: { type: dump, location: dumps }, restore_only: true }
`;
/** What a library, Node itself and a defect say. */
const SAYING = `process.on('SIGUSR2', () => {
  console.log('words of a library');
  process.emitWarning('words of Node');
  setTimeout(() => { throw new Error('a defect'); }, 100);
});`;

it('a service whose log is JSON says in it what a library, Node and a defect say', async () => {
  const redis = await startRedis();
  const here = await musterFolder({ 'muster.yaml': CONFIG, 'saying.mjs': SAYING });
  const env = { MUSTER_REDIS_URL: redis.url, NODE_OPTIONS: `--import ${here.folder}/saying.mjs` };
  const producer = here.start(['producer'], env);
  await producer.said(/"msg":"ready"/);
  producer.child.kill('SIGUSR2');
  const { exitCode, stdout, stderr } = await producer.ended;
  await redis.close();
  await here.remove();
  expect([exitCode, stdout]).toEqual([2, '']);
  const told = stderr
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
  expect(told.slice(-3)).toMatchObject([
    { level: 'warn', service: 'producer', msg: 'words of a library' },
    { level: 'warn', msg: 'Warning: words of Node' },
    { level: 'error', code: 'internal', msg: 'it ends' },
  ]);
});
