import { generateKeyPairSync } from 'node:crypto';
import { mkdir, mkdtemp, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createDirectoryRepository, readAgeKeys } from '@muster/backups';
import {
  createPlan,
  type Look,
  lookSchema,
  MusterError,
  newDrillId,
  type Predicate,
  parseConfig,
  type RestorePoint,
} from '@muster/core';
import { type DrillPorts, preflight, runDrill } from '@muster/drill';
import { engineOf, liveDumperOf } from '@muster/engines';
import { createSigner } from '@muster/evidence';
import { chooseHost } from '@muster/scratch';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type DumpServer, dumpServer } from '../support/dumps.ts';
import { canRunIn } from '../support/needs.ts';
import { plainDump } from '../support/plain-dump.ts';

const DAY_MS = 86_400_000;
const never = new AbortController().signal;
const dumpOf = (major: number) => plainDump('SELECT 1;').replaceAll('version 15.2', `version ${major}.2`);

/** What a look and a drill must agree on; of the image only where a drill came so far. */
interface Agreed {
  readonly reason: string | undefined;
  readonly backup: string | undefined;
  readonly newest: Predicate['newest_backup'];
  readonly format: string | undefined;
}
const seenBefore = ({ reason, backup, newest_backup: newest }: Look): Agreed => ({
  reason,
  backup: backup?.created_at_from === 'dump' ? 'live' : backup?.id,
  newest: newest && { id: newest.id, created_at: newest.created_at, created_at_from: newest.created_at_from },
  format: backup?.format,
});
const seenByDrill = ({ reason, backup, newest_backup: newest }: Predicate): Agreed => ({
  reason,
  backup: backup?.created_at_from === 'dump' ? 'live' : backup?.id,
  newest,
  format: backup?.format,
});

describe.runIf(canRunIn('docker'))('a look before a drill says what the drill then does', () => {
  let folder: string;
  let server: DumpServer;
  let extended: Buffer;
  let ports: DrillPorts;
  const secrets = new Map<string, string>();
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'muster-preflight-'));
    server = await dumpServer(15);
    await server.sql('postgres', 'CREATE DATABASE shop');
    await server.sql('shop', 'CREATE EXTENSION hstore; CREATE EXTENSION pg_trgm');
    const path = join(server.dir, 'shop.dump');
    await server.dump('shop', 'custom', path);
    // An extension of the same length that no server has.
    extended = Buffer.from(
      (await readFile(path)).toString('latin1').replaceAll('hstore', 'hstorf'),
      'latin1',
    );
    secrets.set('LIVE', `postgresql://postgres@/shop?host=${encodeURIComponent(server.dir)}`);
    secrets.set('AWAY', 'postgresql://postgres@/shop?host=/nowhere');
    ports = portsIn(folder, secrets);
  });
  afterAll(async () => {
    await server?.close();
    await rm(folder, { recursive: true, force: true });
  });

  let sources = 0;
  /** Asked both ways, of the same files. */
  const asked = async (
    lines: string,
    files: Readonly<Record<string, readonly [content: string | Uint8Array, daysAgo: number]>>,
    restorePoint: RestorePoint = { kind: 'latest' },
  ) => {
    sources += 1;
    const dumps = join(folder, `dumps-${sources}`);
    await mkdir(dumps);
    for (const [name, [content, daysAgo]] of Object.entries(files)) {
      await writeFile(join(dumps, name), content);
      const at = new Date(Date.now() - daysAgo * DAY_MS);
      await utimes(join(dumps, name), at, at);
    }
    const backup = /backup:|connection:/.test(lines) ? '' : `, backup: { type: dump, location: ${dumps} }`;
    const text = `sources: [{ slug: shop, kind: postgres, restore_only: true${backup}${lines && `, ${lines.replace('DUMPS', dumps)}`} }]
scratch: { kind: docker, images: { postgres: "muster.test/postgres:{major}" } }`;
    const parsed = parseConfig(text, { file: 'muster.yaml', baseDirectory: folder });
    if (!parsed.ok) throw new Error(JSON.stringify(parsed.faults));
    const { config } = parsed;
    const [source] = config.sources;
    if (source === undefined) throw new Error('there is a source');
    const plan = createPlan(config, source, {
      drillId: newDrillId(new Date()),
      trigger: { kind: 'cli' },
      restorePoint,
    });
    const request = { plan, config, source, restorePoint };
    const look = lookSchema.parse(await preflight(ports, request, { host: 'here' }, never));
    const { statement, message } = await runDrill(ports, request, never);
    const { predicate } = statement;
    expect(seenBefore(look)).toEqual(seenByDrill(predicate));
    expect({ pass: 'run', fail: 'fail', error: 'error' }[predicate.result]).toBe(look.outcome);
    expect(look.message?.replaceAll(/\d+ (d|h|min|s)\b/g, '')).toBe(
      message?.replaceAll(/\d+ (d|h|min|s)\b/g, ''),
    );
    if (predicate.environment.image !== undefined) {
      const { image, image_digest: digest, engine_version: engine } = predicate.environment;
      expect(look.scratch).toMatchObject({ image, image_digest: digest, engine, image_here: true });
    }
    return look;
  };

  const FILES = { 'a.sql': [dumpOf(15), 5], 'b.sql': [dumpOf(17), 1] } as const;
  it.each<[what: string, point: RestorePoint, id: string | undefined, more: object]>([
    ['the newest', { kind: 'latest' }, 'b.sql', { scratch: { image: 'muster.test/postgres:17' } }],
    ['the oldest', { kind: 'oldest' }, 'a.sql', { scratch: { image: 'muster.test/postgres:15' } }],
    ['none of that id', { kind: 'id', id: 'c' }, undefined, { outcome: 'fail', reason: 'no_backup' }],
    [
      'none of a time',
      { kind: 'time', time: '-9d' },
      undefined,
      { outcome: 'fail', reason: 'no_backup_before' },
    ],
  ])('which backup: %s', async (_, point, id, more) => {
    const look = await asked('', FILES, point);
    expect(look.backup?.id).toBe(id);
    expect(look).toMatchObject({ restore_point: { listed: 2 }, ...more });
  });

  it.each<[what: string, content: string | undefined, source: string, outcome: string, reason: string]>([
    ['there is none', undefined, '', 'fail', 'no_backup'],
    ['it is empty', '', '', 'fail', 'empty'],
    ['it is no dump', 'a text\n'.repeat(99), '', 'fail', 'not_a_dump'],
    [
      'its place is away',
      undefined,
      'backup: { type: dump, location: nowhere }',
      'error',
      'backup_unreadable',
    ],
    [
      'its image is too old for it',
      dumpOf(17),
      'image: "muster.test/postgres:15"',
      'error',
      'version_unavailable',
    ],
    [
      'its key is away',
      AGE,
      'backup: { type: dump, location: DUMPS, decrypt: { age: env:NONE } }',
      'error',
      'secret_unavailable',
    ],
    ['the newest is too old', dumpOf(15), 'objectives: { rpo: 26h }', 'fail', 'rpo_missed'],
    ['its source is away', undefined, 'connection: { uri: env:AWAY }', 'error', 'source_unreachable'],
  ])('why it would be refused: %s', async (_, content, source, outcome, reason) => {
    const files = content === undefined ? {} : { 'shop.sql': [content, 3] as const };
    expect(await asked(source, files)).toMatchObject({ outcome, reason });
  });

  it('which extensions a dump needs, and which of them the image has not', async () => {
    expect(await asked('', { 'shop.dump': [extended, 1] })).toMatchObject({
      outcome: 'error',
      reason: 'extension_missing',
      backup: {
        format: 'custom',
        server_version: expect.stringMatching(/^15\./),
        size_bytes: extended.length,
      },
      extensions: expect.arrayContaining([
        { name: 'hstorf', there: false },
        { name: 'pg_trgm', there: true },
      ]),
    });
  });

  it('a live source answers', async () => {
    const look = await asked('connection: { uri: env:LIVE }', {});
    expect(look).toMatchObject({
      outcome: 'run',
      backup: {
        created_at_from: 'dump',
        server_version: expect.stringMatching(/^15\./),
        size_bytes: expect.any(Number),
      },
      extensions: [
        { name: 'hstore', there: true },
        { name: 'pg_trgm', there: true },
      ],
      unknown: [],
    });
    expect(JSON.stringify(look)).not.toContain('postgresql://');
  });
});

const AGE = 'age-encryption.org/v1\n-> X25519 aaaa\nbbbb\n--- cccc\n';

function portsIn(folder: string, secrets: ReadonlyMap<string, string>): DrillPorts {
  const resolveSecret: DrillPorts['resolveSecret'] = async (ref) => {
    const found = ref.kind === 'env' ? secrets.get(ref.name) : undefined;
    if (found === undefined) throw new MusterError('secret_unavailable', 'It is not to be had.');
    return found;
  };
  return {
    hostFor: (wanted, signal) =>
      chooseHost(
        { kind: 'docker', ...wanted, runtimeDir: join(folder, 'run'), stateDir: join(folder, 'state') },
        signal,
      ),
    engineOf,
    liveDumperOf,
    repository: (kind, backup) => {
      if (backup.type !== 'dump' || backup.place.type !== 'directory') throw new Error('not asked for here');
      const { place, decrypt } = backup;
      return createDirectoryRepository({
        directory: place.location,
        match: undefined,
        engine: engineOf(kind),
        keys: decrypt && (async () => readAgeKeys(await resolveSecret(decrypt.age))),
      });
    },
    resolveSecret,
    now: () => new Date(),
    companion: () => {
      throw new Error('there are none here');
    },
    spool: () => Promise.reject(new Error('nothing is fetched here')),
    signer: createSigner(generateKeyPairSync('ed25519').privateKey),
    worker: { name: 'here', pool: 'default', cpus: 2, memoryBytes: 1 },
    musterVersion: '0.0.0',
    observe: () => {},
    output: () => {},
  };
}
