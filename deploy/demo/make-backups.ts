import { createWriteStream } from 'node:fs';
import { mkdir, mkdtemp, readFile, rename, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { newDrillId } from '@muster/core';
import { postgresEngine, postgresLiveDumper } from '@muster/engines';
import { type Base, chooseHost, type Scratch, type ScratchHost } from '@muster/scratch';
import { Client } from 'pg';

const LIMIT_MS = 10 * 60_000;
const GIB = 1024 ** 3;
/** What stands for "any version that is there" on a host without Docker. */
const OLDEST_MAJOR = 1;
const IMAGE_MAJOR = 17;

/** Fills a scratch server with the shop and dumps it, before and after somebody empties its payments. */
export async function makeBackups(
  to: { readonly healthy: string; readonly damaged: string },
  stateDir: string,
): Promise<void> {
  const signal = AbortSignal.timeout(LIMIT_MS);
  const image = `postgres:${IMAGE_MAJOR}`;
  const runtimeDir = await mkdtemp(join(tmpdir(), 'muster-'));
  const host = await chooseHost({ kind: 'auto', image, stateDir, runtimeDir }, signal);
  const base = await host.prepare({ image, probe: postgresEngine.probe }, signal);
  const major = host.isolation === 'docker' ? IMAGE_MAJOR : OLDEST_MAJOR;
  const facts = { format: 'custom', major, databases: [] };
  const { user } = postgresEngine.admit(facts, base);
  const spec = {
    drillId: newDrillId(new Date()),
    expiresAt: new Date(Date.now() + LIMIT_MS),
    user,
    limits: { cpus: 2, memoryBytes: GIB, diskBytes: 4 * GIB, pids: 256 },
    data: 'disk',
    mounts: [],
  } as const;
  const scratch = await host.launch(base, spec, signal);
  try {
    await postgresEngine.start(scratch, base, facts, signal);
    await query(scratch, 'postgres', 'CREATE DATABASE shop');
    await query(scratch, 'shop', await readFile('deploy/demo/shop.sql', 'utf8'));
    await dump(scratch, host, base, to.healthy, signal);
    await query(scratch, 'shop', 'TRUNCATE payments');
    await dump(scratch, host, base, to.damaged, signal);
  } finally {
    await scratch.destroy();
    await rm(runtimeDir, { recursive: true, force: true });
  }
}

async function query(scratch: Scratch, database: string, sql: string): Promise<void> {
  const client = new Client({ host: scratch.socketDir, user: 'postgres', database });
  await client.connect();
  try {
    await client.query(sql);
  } finally {
    await client.end();
  }
}

async function dump(
  scratch: Scratch,
  host: ScratchHost,
  base: Base,
  folder: string,
  signal: AbortSignal,
): Promise<void> {
  const uri = `postgresql://postgres@/shop?host=${encodeURIComponent(scratch.socketDir)}`;
  const live = await postgresLiveDumper.survey(uri, signal);
  const artefact = postgresLiveDumper.dump(uri, live, host, base);
  if (artefact.form !== 'stream') throw new Error('a live dump is a stream');
  const name = `shop_${new Date().toISOString().replace(/[-:]|\.\d+/g, '')}.dump`;
  const unfinished = `${folder}.tmp`;
  await rm(unfinished, { recursive: true, force: true });
  await mkdir(unfinished, { recursive: true });
  await pipeline(artefact.open(signal), createWriteStream(join(unfinished, name)));
  await rename(unfinished, folder);
}
