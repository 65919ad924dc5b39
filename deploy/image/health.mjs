import { readFileSync } from 'node:fs';
import { get } from 'node:http';
import { hostname } from 'node:os';

// Is the service of this container well? Exit 0 or 1, and why on stdout, where `docker inspect` shows it.
// An api answers; a worker said within 30 s that it lives; the others run, and their Redis answers.

const LIMIT_MS = 8_000;
const words = readFileSync('/proc/1/cmdline', 'utf8').split('\0');
// Under an init it is its first child.
const pid = words[0]?.endsWith('init') ? readFileSync('/proc/1/task/1/children', 'utf8').split(' ')[0] : '1';
const service = words.find((word) => ['api', 'worker', 'producer', 'sink', 'up'].includes(word));

setTimeout(() => end('it does not answer'), LIMIT_MS);
try {
  end(service === 'api' ? await api() : await overRedis());
} catch (error) {
  end(error.code ?? error.message);
}

function end(fault) {
  console.log(fault ?? 'well');
  process.exit(fault === undefined ? 0 : 1);
}

/** Where its configuration says that it listens. */
async function api() {
  const { DEFAULT_LISTEN, parseConfig } = await import('@muster/core');
  const option = words.indexOf('--config');
  const file = option < 0 ? process.env.MUSTER_CONFIG : words[option + 1];
  const { config } = parseConfig(readFileSync(file, 'utf8'), { file, baseDirectory: '/' });
  const { path: socketPath, ...address } = config?.api.listen ?? DEFAULT_LISTEN;
  const status = await new Promise((resolve, reject) => {
    get({ socketPath, ...address, path: '/healthz' }, (answer) => resolve(answer.statusCode)).on(
      'error',
      reject,
    );
  });
  return status === 200 ? undefined : `/healthz answers ${status}`;
}

async function overRedis() {
  const state = /^State:\s+(\w)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  if (state === 'T' || state === 'Z') return `its process is in state ${state}`;
  const url = process.env.MUSTER_REDIS_URL;
  // Its Redis is its own, or named in its configuration.
  if (!url) return undefined;
  // Not by @muster/queue, which takes half a second of a processor to load, in each container every 30 s.
  const { Redis } = await import('ioredis');
  const redis = new Redis(url.replace(/^unix:/, ''), { maxRetriesPerRequest: 2 });
  redis.on('error', () => {});
  await redis.ping();
  if (service !== 'worker') return undefined;
  for await (const keys of redis.scanStream({ match: `muster:worker:${hostname()}-${pid}-*`, count: 500 })) {
    if (keys.length > 0) return undefined;
  }
  return 'no heartbeat of this worker in Redis';
}
