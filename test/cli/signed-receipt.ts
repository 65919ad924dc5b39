import { createHash } from 'node:crypto';
import { checkSha256, expectSha256, newDrillId, parseConfig, type Statement } from '@muster/core';
import { createSigner, loadPrivateKey } from '@muster/evidence';
import type { MusterFolder } from '../support/muster.ts';

/** A receipt of the source `shop` for the bytes `the bytes of the backup`, signed with the folder's own new key. */
export async function signedReceipt(
  here: MusterFolder,
  result: 'pass' | 'fail',
): Promise<{ readonly text: string; readonly drillId: string; readonly publicKey: string }> {
  const made = JSON.parse((await here.run(['keys', 'generate', '--json'])).stdout);
  const { privateKey } = await loadPrivateKey({ kind: 'file', path: made.private_key });
  const parsed = parseConfig(await here.read('muster.yaml'), {
    file: 'muster.yaml',
    baseDirectory: here.folder,
  });
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.faults));
  const [check] = parsed.config.checks;
  if (check === undefined) throw new Error('the configuration has no check');
  const sha256 = createHash('sha256').update('the bytes of the backup').digest('hex');
  const drillId = newDrillId(new Date('2026-11-20T11:59:59.000Z'));
  const reason = result === 'fail' ? { reason: 'check_failed' as const } : {};
  const statement: Statement = {
    _type: 'https://in-toto.io/Statement/v1',
    subject: [{ name: 'shop/shop.dump', digest: { sha256 } }],
    predicateType: 'urn:muster:restore-drill:v1',
    predicate: {
      drill_id: drillId,
      source: { slug: 'shop', kind: 'postgres' },
      trigger: { kind: 'cli' },
      config_sha256: parsed.config.configSha256,
      restore_point: { kind: 'latest', resolved: 'shop.dump' },
      backup: {
        id: 'shop.dump',
        sha256: `sha256:${sha256}`,
        size_bytes: 23,
        created_at: '2026-11-20T10:00:00.000Z',
        created_at_from: 'header',
        format: 'custom',
        location: 'file:///backups/shop.dump',
      },
      environment: {
        worker: 'host',
        pool: 'default',
        isolation: 'docker',
        limits: { cpus: 2, memory_bytes: 1e9 },
        image: 'postgres:17',
        engine: 'postgres',
        engine_version: '17.6',
        muster_version: '0.1.0',
        node_version: 'v24.0.0',
        os: 'Linux 6',
      },
      phases: [
        phase('locate', '00.000', 100),
        phase('launch', '00.100', 900),
        phase('restore', '01.000', 2000),
        phase('check', '03.000', 500),
        phase('destroy', '03.500', 100),
      ],
      restore: { duration_ms: 2000, bytes: 23, objects: 7, warnings: [] },
      checks: [
        {
          id: check.id,
          check_sha256: checkSha256(check),
          expect_sha256: expectSha256(check.expect),
          verdict: result,
          ...(result === 'fail' ? { reason: 'expectation_not_met' as const } : {}),
          summary: { n: 1 },
          started_at: '2026-11-20T12:00:03.000Z',
          duration_ms: 12,
        },
      ],
      attempts: [
        {
          worker: 'host',
          started_at: '2026-11-20T12:00:00.000Z',
          ended_at: '2026-11-20T12:00:03.700Z',
          outcome: result,
          ...reason,
        },
      ],
      result,
      ...reason,
      issued_at: '2026-11-20T12:00:03.700Z',
    },
  };
  const text = Buffer.from(createSigner(privateKey).sign(statement)).toString();
  return { text, drillId, publicKey: made.public_key };
}

const phase = (
  name: Statement['predicate']['phases'][number]['name'],
  second: string,
  duration_ms: number,
) => ({
  name,
  started_at: `2026-11-20T12:00:${second}Z`,
  duration_ms,
  outcome: 'done' as const,
});
