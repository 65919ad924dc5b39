import { GetObjectCommand, ListObjectVersionsCommand } from '@aws-sdk/client-s3';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type MusterFolder, musterFolder } from '../support/muster.ts';
import { canRunIn } from '../support/needs.ts';
import { plainDump } from '../support/plain-dump.ts';
import { canServeS3, S3_ENV, S3_KEY, type S3Server, s3Access, s3Server } from '../support/s3-server.ts';

const DUMP = plainDump('CREATE TABLE orders (n int);\nINSERT INTO orders VALUES (1), (2), (3);');
const config = (endpoint: string, bucket = 'evidence-bucket'): string => `sources:
  - slug: shop
    kind: postgres
    backup: { type: dump, location: dumps }
    checks: [orders]
checks:
  - { id: orders, summary_sql: SELECT COUNT(*) AS n FROM orders, expect: "n == 3" }
scratch: { kind: bubblewrap }
evidence:
  store: s3://${bucket}/muster/eu
  s3: ${s3Access(endpoint)}
  object_lock: { mode: compliance, days: 1 }
`;

describe.runIf(canServeS3() && canRunIn('bubblewrap'))('a drill whose evidence is kept in S3', () => {
  let server: S3Server;
  let here: MusterFolder;
  beforeAll(async () => {
    server = await s3Server({ versions: true });
    await server.makeBucket('evidence-bucket', { objectLock: true });
  });
  afterAll(() => server?.close());
  afterEach(() => here.remove());
  const given = async (text = config(server.endpoint)): Promise<MusterFolder> => {
    here = await musterFolder({ 'muster.yaml': text, 'dumps/shop.sql': DUMP });
    return here;
  };
  const objects = async (): Promise<string[]> => {
    const all = await server.client.send(new ListObjectVersionsCommand({ Bucket: 'evidence-bucket' }));
    return (all.Versions ?? []).map(({ Key = '' }) => Key);
  };

  it('leaves one plan and one receipt there, which is listed, shown, and verifies once it is downloaded', async () => {
    const { run, write } = await given();
    const drilled = await run(['drill', 'run', '--receipt', 'copy.json'], S3_ENV);
    expect(drilled).toMatchObject({ exitCode: 0 });
    const receipt = /^receipt\s+s3:\/\/evidence-bucket\/(\S+)$/m.exec(drilled.stdout)?.[1] ?? '';
    const plan = receipt.replace('/receipts/', '/plans/').replace('.sigstore.json', '.json');
    expect(receipt).toMatch(/^muster\/eu\/receipts\/shop\/\d{4}\/\d\d\/\d\d\/drl_\w{26}\.sigstore\.json$/);
    expect((await objects()).toSorted()).toEqual([plan, receipt]);

    const [id = ''] = /drl_\w{26}/.exec(receipt) ?? [];
    const listed = JSON.parse((await run(['drill', 'list', '--json'], S3_ENV)).stdout);
    expect(listed.drills).toMatchObject([{ drill_id: id, result: 'pass', authentic: true }]);
    const shown = JSON.parse((await run(['drill', 'show', id, '--json'], S3_ENV)).stdout);
    expect(shown.predicate).toMatchObject({ drill_id: id, result: 'pass' });

    const there = await server.client.send(new GetObjectCommand({ Bucket: 'evidence-bucket', Key: receipt }));
    await write('downloaded.json', (await there.Body?.transformToString()) ?? '');
    expect(await here.read('downloaded.json')).toBe(await here.read('copy.json'));
    const verify = ['verify', 'downloaded.json', '--keyring', 'keys', '--artefact', 'dumps/shop.sql'];
    expect(await run([...verify, '--require-pass'])).toMatchObject({ exitCode: 0 });
    expect(drilled.stdout).toMatch(/^verify\s+muster verify copy\.json --keyring keys$/m);
    expect(JSON.stringify([drilled, listed, shown])).not.toContain(S3_KEY.secretAccessKey);
  });

  it('is examined by doctor, and leaves nothing by that', async () => {
    const { run } = await given();
    const before = await objects();
    const examined = await run(['doctor'], S3_ENV);
    expect(examined.stdout).toMatch(/evidence\s+s3:\/\/evidence-bucket\/muster\/eu · can be written/);
    expect(await objects()).toEqual(before);
  });

  it.each<[string, string, Readonly<Record<string, string>>, RegExp]>([
    ['no such bucket', 'nowhere', S3_ENV, /no such bucket: create it/],
    [
      'a wrong secret',
      'evidence-bucket',
      { ...S3_ENV, S3_SECRET: 'wrong-secret' },
      /secret access key is wrong/,
    ],
    ['no secret', 'evidence-bucket', { S3_ID: 'x' }, /env:S3_SECRET is not to be had/],
  ])('with %s says so before it begins', async (_, bucket, env, message) => {
    const { run } = await given(config(server.endpoint, bucket));
    for (const command of [['doctor'], ['drill', 'run'], ['drill', 'list']]) {
      const ended = await run(command, env);
      expect(ended.exitCode).toBe(2);
      expect(ended.stdout + ended.stderr).toMatch(message);
      expect(ended.stdout + ended.stderr).not.toMatch(/wrong-secret/);
    }
  });

  it('has its credentials shown as references', async () => {
    const { run } = await given();
    const shown = await run(['config', 'show', '--json'], S3_ENV);
    expect(JSON.parse(shown.stdout).evidence).toEqual({
      store: 's3://evidence-bucket/muster/eu',
      s3: {
        endpoint: server.endpoint,
        access_key_id: 'env:S3_ID',
        secret_access_key: 'env:S3_SECRET',
      },
      object_lock: { mode: 'compliance', days: 1 },
    });
  });
});
