import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';

// Is the service of this container well? Exit 0 or 1, and why on stdout, where `docker inspect` shows it.
// An api answers; a worker said within 30 s that it lives; the others run, and their Redis answers.

const LIMIT_MS = 8_000;
const service = readFileSync('/proc/1/cmdline', 'utf8')
  .split('\0')
  .find((word) => ['api', 'worker', 'producer', 'sink', 'up'].includes(word));

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

async function api() {
  const { ok, status } = await fetch('http://127.0.0.1:7655/healthz');
  return ok ? undefined : `/healthz answers ${status}`;
}

async function overRedis() {
  const state = /^State:\s+(\w)/m.exec(readFileSync('/proc/1/status', 'utf8'))?.[1];
  if (state === 'T' || state === 'Z') return `its process is in state ${state}`;
  const url = process.env.MUSTER_REDIS_URL;
  // Its Redis is its own, or named in its configuration.
  if (!url) return undefined;
  const { Redis } = await import('ioredis');
  const redis = new Redis(url.replace(/^unix:/, ''), { maxRetriesPerRequest: 2 });
  redis.on('error', () => {});
  await redis.ping();
  if (service !== 'worker') return undefined;
  for await (const keys of redis.scanStream({ match: `muster:worker:${hostname()}-1-*`, count: 500 })) {
    if (keys.length > 0) return undefined;
  }
  return 'no heartbeat of this worker in Redis';
}
