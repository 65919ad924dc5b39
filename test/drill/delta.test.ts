import { randomUUID } from 'node:crypto';
import { rename } from 'node:fs/promises';
import { join } from 'node:path';
import type { Predicate } from '@muster/core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { docker, keptVolumes, removeKeptVolumes } from '../support/docker-cli.ts';
import { startFleet } from '../support/fleet.ts';
import { IMAGES } from '../support/images.ts';
import { type MusterFolder, musterFolder } from '../support/muster.ts';
import {
  hasPgbackrest,
  pgbackrestRepositories,
  type Repositories,
} from '../support/pgbackrest-repositories.ts';
import { predicateIn } from '../support/predicate-in.ts';
import { requirement } from '../support/requirement.ts';

const MAY_RUN = requirement(
  'pgbackrest',
  hasPgbackrest(IMAGES[17]),
  `no Docker answers that has the image ${IMAGES[17]} with pgBackRest`,
);

describe.runIf(MAY_RUN)('a pgBackRest drill with delta', () => {
  let repositories: Repositories;
  let other: Repositories;
  let folder: MusterFolder;
  beforeAll(async () => {
    [repositories, other] = await Promise.all([
      pgbackrestRepositories(IMAGES[17]),
      pgbackrestRepositories(IMAGES[17], 'boss'),
    ]);
    folder = await musterFolder({ 'muster.yaml': config(repositories.plain) });
  }, 180_000);
  afterAll(async () => {
    await removeKeptVolumes(repositories?.plain ?? 'none');
    await Promise.all([repositories?.remove(), other?.remove(), folder?.remove()]);
  });

  const config = (path: string) =>
    [
      `sources: [{ slug: shop, kind: postgres, checks: [rows, all], backup: { type: pgbackrest, stanza: ${repositories.stanza}, repo: { path: ${path} }, delta: true } }]`,
      'checks:',
      '  - { id: rows, summary_sql: "SELECT max(id) AS last, count(*) AS n FROM t", expect: "last == 7" }',
      // Reads every catalog and its indexes.
      `  - { id: all, summary_sql: "SELECT count(*) AS n, sum(pg_relation_size(oid)) > 0 AS ok FROM pg_class WHERE relname = 'pg_class'", expect: "n == 1" }`,
      'scratch: { kind: docker, images: { postgres: "muster.test/postgres:{major}" } }',
    ].join('\n');

  async function drill(): Promise<Predicate | undefined> {
    const receipt = `receipt-${randomUUID()}`;
    const ran = await folder.run(['drill', 'run', '--source', 'shop', '--receipt', receipt]);
    const predicate = await predicateIn(folder, receipt);
    if (predicate?.result !== 'pass') throw new Error(`${ran.stdout}${ran.stderr}`);
    return predicate;
  }

  /** Runs a script over the volume that is kept, as root of another container. */
  async function inVolume(script: string): Promise<string> {
    const volume = await keptVolume();
    const mount = ['--volume', `${volume}:/v`, '--entrypoint', '/bin/bash'];
    return await docker(
      'run',
      '--rm',
      '--network',
      'none',
      ...mount,
      IMAGES[17],
      '-c',
      `set -e; cd /v/d; ${script}`,
    );
  }

  const keptVolume = async (): Promise<string> => {
    const [name, ...others] = await keptVolumes(repositories.plain);
    if (name === undefined || others.length > 0) throw new Error('not one volume is kept');
    return name;
  };

  it('restores what changed over what the last one left, and finds the same', async () => {
    const first = await drill();
    const all = first?.restore?.delta?.copied_bytes ?? 0;
    expect(first?.restore?.delta).toEqual({ volume: 'new', copied_bytes: expect.any(Number) });
    expect(all).toBeGreaterThan(20_000_000);
    const second = await drill();
    expect(second?.restore?.delta?.volume).toBe('kept');
    expect(second?.restore?.delta?.copied_bytes).toBeGreaterThan(0);
    expect(second?.restore?.delta?.copied_bytes).toBeLessThan(all / 4);
    expect(told(second)).toEqual(told(first));
  });

  it('mends what was damaged behind its back, and follows no link that it finds', async () => {
    const file = 'postgres/base/1/1255';
    const before = await inVolume(`sha256sum < ${file}`);
    await inVolume(
      [
        `printf damaged | dd of=${file} bs=1 seek=99 conv=notrunc status=none; touch -d @1700000000 ${file}`,
        'cd postgres; touch -d @1700000000 postmaster.pid',
        'ln -s /etc/passwd base/evil; rm -r base/4; ln -s /tmp base/4; rm -r pg_wal; ln -s /muster/backup pg_wal',
        'rm global/1260; ln global/1262 global/1260; rm global/1261; mkdir global/1261; rm global/1233; mkfifo global/1233',
        'rm -r ../tablespaces; ln -s / ../tablespaces; ln -s /etc/passwd ../pgbackrest.conf',
        'chown -h --reference . base/* pg_wal global/* postmaster.pid ../tablespaces',
      ].join('; '),
    );
    const after = await drill();
    expect(after?.restore?.delta?.volume).toBe('kept');
    expect(after?.checks).toHaveLength(2);
    expect(await inVolume(`sha256sum < ${file}`)).toBe(before);
    // That of the set's own tablespace.
    expect(await inVolume("find . -type l -printf '%p %l\\n'")).toMatch(
      /^\.\/postgres\/pg_tblspc\/\d+ \/muster\/data\/d\/tablespaces\/\w+$/,
    );
  });

  it('restores all where pgBackRest gives up on what is there', async () => {
    // A path that is longer than the system can name.
    const name = 'deep'.repeat(50);
    await inVolume(
      `cd postgres/base; for i in {1..30}; do mkdir ${name}; chown --reference . ${name}; cd ${name}; done`,
    );
    const { restore } = (await drill()) ?? {};
    expect(restore?.delta).toEqual({ volume: 'kept', copied_bytes: expect.any(Number) });
    expect(restore?.delta?.copied_bytes).toBeGreaterThan(20_000_000);
  });

  it('goes on soundly where a worker was killed in the middle of a whole restore', async () => {
    await inVolume('rm postgres/PG_VERSION');
    const killed = folder.start(['drill', 'run', '--source', 'shop']);
    await killed.said(/^launched: /m);
    killed.child.kill('SIGKILL');
    await killed.ended;
    expect((await drill())?.restore?.delta?.volume).toBe('kept');
  });

  it('takes files of its own while another drill has them, and says so', async () => {
    const first = folder.start(['drill', 'run', '--source', 'shop', '--keep', '10m']);
    await first.said(/check test ID --source shop/);
    const second = await drill();
    expect(second?.restore?.delta?.volume).toBe('throwaway');
    first.child.kill('SIGINT');
    expect(await first.ended).toMatchObject({ exitCode: 0 });
  });

  it('begins anew where the repository has another cluster', async () => {
    const away = join(repositories.plain, '..', 'away');
    await rename(repositories.plain, away);
    await rename(other.plain, repositories.plain);
    expect((await drill())?.restore?.delta?.volume).toBe('new');
    await rename(repositories.plain, other.plain);
    await rename(away, repositories.plain);
  });

  it('in a fleet goes on over what a killed worker left', async () => {
    const { plain, stanza } = repositories;
    const fleet = await startFleet({
      source: [`backup: { type: pgbackrest, stanza: ${stanza}, repo: { path: ${plain} }, delta: true }`],
      checks: { rows: ['SELECT max(id) AS last FROM t', 'last == 7'] },
    });
    try {
      await Promise.all([fleet.start('producer'), fleet.start('sink')]);
      const doomed = await fleet.start('worker');
      const drillId = await fleet.enqueue();
      await fleet.heard(drillId, (event) => event.type === 'phase-started' && event.phase === 'restore');
      await doomed.signal('SIGKILL');
      const heir = await fleet.start('worker');
      expect(await fleet.receipt(drillId)).toMatchObject({
        result: 'pass',
        restore: { delta: { volume: 'kept' } },
        attempts: [{ outcome: 'lost' }, { outcome: 'pass' }],
      });
      await heir.signal('SIGTERM');
      expect(await fleet.leftovers()).toEqual([]);
    } finally {
      await fleet.close();
    }
  });
});

/** What a drill found, without when and how fast. */
const told = (predicate: Predicate | undefined) => ({
  recovery: predicate?.recovery,
  backup: predicate?.backup,
  result: predicate?.result,
  checks: predicate?.checks.map(({ id, verdict, summary }) => ({ id, verdict, summary })),
});
