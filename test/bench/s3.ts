import { createReadStream } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { PutObjectCommand } from '@aws-sdk/client-s3';
import { drillProject } from '../support/drill-project.ts';
import { type DumpServer, dumpServer } from '../support/dumps.ts';
import { S3_ENV, type S3Server, s3Access, s3Server } from '../support/s3-server.ts';
import type { Bench } from './measured.ts';

const BUCKET = 'back-ups';
const SMALL_ROWS = 10;
const SAMPLE_MS = 50;

/** Drills of a dump of 20 MB and of `megabytes` in S3: what `muster drill run` takes at most of memory for each. */
export async function benchS3(megabytes: number): Promise<Bench> {
  const server = await s3Server({ versions: false });
  try {
    await server.makeBucket(BUCKET);
    await upload(server, 'small', SMALL_ROWS);
    await upload(server, 'large', megabytes / 2);
    const small = await drill(server, 'small', SMALL_ROWS);
    const large = await drill(server, 'large', megabytes / 2);
    return {
      figures: {
        'peak memory of a dump of 20 MB, MB': small.peakMegabytes,
        [`peak memory of a dump of ${megabytes} MB, MB`]: large.peakMegabytes,
        [`drill of a dump of ${megabytes} MB, s`]: large.seconds,
      },
      ratios: { [`peak memory, ${megabytes} MB / 20 MB`]: large.peakMegabytes / small.peakMegabytes },
    };
  } finally {
    await server.close();
  }
}

/** A custom dump of random bytes, about 2 MB a row. */
async function upload(server: S3Server, name: string, rows: number): Promise<void> {
  const source: DumpServer = await dumpServer(15);
  try {
    await source.tool('createdb', ['bench']);
    await source.sql(
      'bench',
      `CREATE TABLE blob (id int, data bytea); ALTER TABLE blob ALTER data SET STORAGE EXTERNAL;
       INSERT INTO blob WITH random AS MATERIALIZED (SELECT string_agg(sha256(n::text::bytea), '') AS bytes FROM generate_series(1, 31250) n)
       SELECT row, row::text::bytea || bytes FROM random, generate_series(1, ${rows}) row`,
    );
    const made = join(source.dir, `${name}.dump`);
    await source.dump('bench', 'custom', made, ['--compress=0']);
    const { size } = await stat(made);
    const object = { Bucket: BUCKET, Key: `${name}/shop.dump`, ContentLength: size };
    await server.client.send(new PutObjectCommand({ ...object, Body: createReadStream(made) }));
  } finally {
    await source.close();
  }
}

async function drill(
  server: S3Server,
  name: string,
  rows: number,
): Promise<{ readonly peakMegabytes: number; readonly seconds: number }> {
  const project = await drillProject({
    isolation: 'docker',
    source: [`backup: { type: dump, location: s3://${BUCKET}/${name}, s3: ${s3Access(server.endpoint)} }`],
    checks: { rows: ['SELECT COUNT(*) AS n FROM blob', `n == ${rows}`] },
  });
  try {
    const begin = performance.now();
    const { child, ended } = project.start([], S3_ENV);
    const stop = new AbortController();
    const watching = peakOf(child.pid ?? 0, stop.signal);
    const { exitCode, stderr } = await ended;
    stop.abort();
    if (exitCode !== 0) throw new Error(`the drill did not pass: ${stderr}`);
    return { peakMegabytes: await watching, seconds: (performance.now() - begin) / 1_000 };
  } finally {
    await project.remove();
  }
}

/** The most that a process ever had resident, as the kernel kept it at the last look. */
async function peakOf(pid: number, signal: AbortSignal): Promise<number> {
  let peak = 0;
  while (!signal.aborted) {
    const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '');
    peak = Math.max(peak, Number(/^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1] ?? 0) / 1_000);
    await setTimeout(SAMPLE_MS);
  }
  return peak;
}
