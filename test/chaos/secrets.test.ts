import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { openRedis } from '@muster/queue';
import { Encrypter } from 'age-encryption';
import { afterEach, expect, it } from 'vitest';
import { addressOf, apiTokens } from '../support/api-client.ts';
import { type Fleet, type FleetOptions, type Service, startFleet } from '../support/fleet.ts';
import { hostProcesses } from '../support/host-processes.ts';
import { describeKinds, type LiveSource } from '../support/kinds.ts';
import { canServeS3, S3_ENV, s3Access, s3Server } from '../support/s3-server.ts';

/** Each is planted in one place, and all are found by this. */
const MARK = /PLANTED-\w+/g;

describeKinds('what is secret (%s)', (sample) => {
  let fleet: Fleet | undefined;
  const { tokenOf, config } = apiTokens();
  let live: LiveSource | undefined;
  afterEach(async () => {
    await fleet?.close();
    await live?.close();
    live = undefined;
  });

  /** Runs one drill of a fleet, and returns every place where something planted was found. */
  const foundAfter = async (options: FleetOptions, prepare: (fleet: Fleet) => Promise<void>) => {
    fleet = await startFleet({
      kind: sample.kind,
      ...options,
      config,
      checks: { people: [sample.count({ text: 'PLANTED-check' }), 'n == 1'] },
    });
    await prepare(fleet);
    const api = await fleet.start('api');
    const others = (['producer', 'sink', 'worker'] as const).map((service) => fleet?.start(service));
    const services = [api, ...(await Promise.all(others)).flatMap((service) => service ?? [])];
    const inProcesses = new Set<string>();
    const look = setInterval(() => {
      if (hostProcesses('PLANTED-').length > 0) inProcesses.add('the process list');
    }, 20);
    const drillId = await fleet.enqueue();
    const receipt = await fleet.receipt(drillId);
    clearInterval(look);
    const found = [
      ...(await inRedis(fleet)),
      ...inLogs(services),
      ...(await inEvidence(fleet)),
      ...(await inAnswers(addressOf(api), tokenOf('admin'), drillId)),
      ...inProcesses,
    ];
    return { receipt, found };
  };

  it('in a dump (a row, a password of a role where it has one) and in a check is in no key, log, receipt, answer or process list', async () => {
    const { receipt, found } = await foundAfter({ source: ['summaries: none'] }, ({ dumps }) =>
      sample.dump(dumps, { name: 'PLANTED-row' }),
    );
    expect(receipt).toMatchObject({ result: 'pass' });
    // The configuration itself, under its digest, holds the text of its checks.
    expect(found).toEqual([expect.stringMatching(/^muster:config:[0-9a-f]{64}: PLANTED-check$/)]);
  });

  it('in what a failing statement says is in no key, log, receipt, answer or process list', async () => {
    const { receipt, found } = await foundAfter({}, ({ dumps }) =>
      sample.dump(dumps, { failsQuoting: 'PLANTED-error' }),
    );
    expect(receipt).toMatchObject({ result: 'fail', reason: 'restore_failed' });
    expect(found).toEqual([expect.stringMatching(/^muster:config:[0-9a-f]{64}: PLANTED-check$/)]);
  });

  it('in the URI of a live source is in no key, log, receipt, answer or process list', async () => {
    const env: Record<string, string> = {};
    const source = [
      'connection: { uri: env:LIVE_URI }',
      'summaries: none',
      'database: shop',
      `image: ${sample.image}`,
    ];
    const { receipt, found } = await foundAfter({ source, env }, async ({ indexServer }) => {
      live = await sample.live(indexServer, 'PLANTED-uri', 'PLANTED-row');
      env['LIVE_URI'] = live.uri;
    });
    expect(receipt).toMatchObject({ result: 'pass' });
    expect(found).toEqual([expect.stringMatching(/^muster:config:[0-9a-f]{64}: PLANTED-check$/)]);
  });

  it.runIf(canServeS3())(
    'in the keys of a storage and of an encryption is in no key, log, receipt, answer or process list',
    async () => {
      const s3 = await s3Server({ versions: false });
      try {
        await s3.makeBucket('backups');
        const backup = `backup: { type: dump, location: "s3://backups/shop/", s3: ${s3Access(s3.endpoint)}, decrypt: { age: env:AGE } }`;
        const env = { ...S3_ENV, AGE: 'PLANTED-passphrase' };
        const options = { source: [backup, 'summaries: none'], env };
        const { receipt, found } = await foundAfter(options, async ({ dumps }) => {
          await sample.dump(dumps);
          await encryptFiles(dumps, env.AGE);
          await s3.putAll('backups', 'shop', dumps);
        });
        expect(receipt).toMatchObject({ result: 'pass' });
        expect(found).toEqual([expect.stringMatching(/^muster:config:[0-9a-f]{64}: PLANTED-check$/)]);
      } finally {
        await s3.close();
      }
    },
  );
});

/** Encrypts the files of a directory; dumps that are directories themselves stay as they are. */
async function encryptFiles(directory: string, passphrase: string): Promise<void> {
  for (const entry of await readdir(directory, { withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const path = join(directory, entry.name);
    const encrypter = new Encrypter();
    encrypter.setScryptWorkFactor(10);
    encrypter.setPassphrase(passphrase);
    await writeFile(`${path}.age`, await encrypter.encrypt(await readFile(path)));
    await rm(path);
  }
}

const marksIn = (place: string, text: string): readonly string[] =>
  [...new Set(text.match(MARK) ?? [])].map((mark) => `${place}: ${mark}`);

async function inRedis({ redis: { url } }: Fleet): Promise<readonly string[]> {
  const redis = openRedis(url, 'commands');
  try {
    const found: string[] = [];
    for (const key of await redis.keys('*'))
      found.push(...marksIn(key, `${key} ${await readKey(redis, key)}`));
    return found;
  } finally {
    redis.disconnect();
  }
}

async function readKey(redis: ReturnType<typeof openRedis>, key: string): Promise<string> {
  switch (await redis.type(key)) {
    case 'string':
      return (await redis.get(key)) ?? '';
    case 'hash':
      return JSON.stringify(await redis.hgetall(key));
    case 'list':
      return JSON.stringify(await redis.lrange(key, 0, -1));
    case 'set':
      return JSON.stringify(await redis.smembers(key));
    case 'zset':
      return JSON.stringify(await redis.zrange(key, '0', '-1'));
    case 'stream':
      return JSON.stringify(await redis.xrange(key, '-', '+'));
    case 'none':
      // It was there a moment ago: a job that is over.
      return '';
    default:
      throw new Error(`${key} is of a type that nobody looked into`);
  }
}

const inLogs = (services: readonly Service[]): readonly string[] =>
  services.flatMap(({ name, log }) => marksIn(`the log of the ${name}`, log.join('\n')));

/** Whatever may be asked of the API, its metrics and its Bull Board. */
async function inAnswers(address: string, token: string, drillId: string): Promise<readonly string[]> {
  const drill = `/api/v1/drills/${drillId}`;
  const paths = [
    ...['/api/v1/drills', drill, `${drill}/receipt`, `${drill}/events`],
    ...['/api/v1/sources', '/api/v1/sources/shop', '/api/v1/workers', '/api/v1/keys'],
    ...['/metrics', '/readyz', '/openapi.json', '/queues'],
    ...['drills', 'receipts', 'ticks'].map(
      (queue) => `/queues/api/queues?activeQueue=${queue}&status=latest`,
    ),
    '/queues/api/job-schedulers',
  ];
  const found = await Promise.all(
    paths.map(async (path) => {
      const headers = { authorization: `Bearer ${token}`, accept: '*/*' };
      const answer = await fetch(`${address}${path}`, { headers });
      expect([path, answer.status]).toEqual([path, 200]);
      return marksIn(path, await answer.text());
    }),
  );
  return found.flat();
}

async function inEvidence({ folder }: Fleet): Promise<readonly string[]> {
  const root = join(folder, 'evidence');
  const paths = (await readdir(root, { recursive: true })).filter((path) => path.endsWith('.json'));
  const found = await Promise.all(
    paths.map(async (path) => {
      const text = await readFile(join(root, path), 'utf8');
      const { payload } = (JSON.parse(text) as { dsseEnvelope?: { payload: string } }).dsseEnvelope ?? {};
      return marksIn(path, text + (payload === undefined ? '' : Buffer.from(payload, 'base64').toString()));
    }),
  );
  return found.flat();
}
