import { mkdir, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  type BackupRecord,
  newTakeId,
  planKey,
  RECORD_SUFFIX,
  receiptKey,
  type Sha256,
  type Statement,
  sha256,
} from '@muster/core';
import { createDirectoryStore, createSigner, loadPrivateKey } from '@muster/evidence';
import type { MusterFolder } from './muster.ts';
import { statementOf } from './receipt-builder.ts';
import { samplePlan } from './sample-plan.ts';

const DAY = 86_400_000;
const signal = AbortSignal.timeout(60_000);

/** Whole, as names have it; one for all that a file of tests makes. */
const NOW = Math.floor(Date.now() / 1000) * 1000;
export const made = (days: number): Date => new Date(NOW - days * DAY);
export const bytesOf = (days: number): string => `the dump of ${days} days ago`;

/** As a take of the source `shop` names it. */
export const backupName = (days: number): string =>
  `shop_${made(days)
    .toISOString()
    .replace(/[-:]|\.\d+/g, '')}.dump`;

/** The record that a take writes beside these bytes. */
export function takenRecord(id: string, bytes: string, days: number): BackupRecord {
  const at = made(days).toISOString();
  return {
    type: 'urn:muster:backup:v1',
    source: { slug: 'shop', kind: 'postgres' },
    backup: { id, sha256: sha256(bytes), size_bytes: bytes.length, format: 'custom' },
    take: {
      id: newTakeId(made(days)),
      trigger: { kind: 'cli' },
      ...{ started_at: at, ended_at: at, muster_version: '0.1.0' },
    },
  };
}

/** Backups in `dumps` of a folder, as takes leave them, and drills in its evidence store, as drills leave them. */
export interface KeptBackups {
  /** @returns its id. */
  take(days: number): Promise<string>;
  /** A drill of a backup that was asked for so many days ago. */
  drilled(id: string, bytes: string, days: number, result: 'pass' | 'fail'): Promise<string>;
  /** A drill that was asked for just now, of the backup of this id, and is not over. */
  drilling(id: string): Promise<string>;
}

/** Makes the folder's signing key, too. */
export async function keptBackups(here: MusterFolder): Promise<KeptBackups> {
  const { private_key: path } = JSON.parse((await here.run(['keys', 'generate', '--json'])).stdout);
  const { privateKey } = await loadPrivateKey({ kind: 'file', path });
  const signer = createSigner(privateKey);
  const store = createDirectoryStore(join(here.folder, 'evidence'));
  await mkdir(join(here.folder, 'dumps'), { recursive: true });
  return {
    async take(days) {
      const id = backupName(days);
      const file = join(here.folder, 'dumps', id);
      await writeFile(file, bytesOf(days));
      await utimes(file, made(days), made(days));
      await writeFile(`${file}${RECORD_SUFFIX}`, JSON.stringify(takenRecord(id, bytesOf(days), days)));
      return id;
    },
    async drilled(id, bytes, days, result) {
      const statement = drillOf(id, sha256(bytes), made(days), result);
      const { drill_id: drillId } = statement.predicate;
      await store.putOnce(receiptKey('shop', drillId), signer.sign(statement), signal);
      return drillId;
    },
    async drilling(id) {
      const plan = { ...samplePlan(), restore_point: { kind: 'id' as const, asked: id } };
      const bytes = new TextEncoder().encode(JSON.stringify(plan));
      await store.putOnce(planKey('shop', plan.drill_id), bytes, signal);
      return plan.drill_id;
    },
  };
}

/** The statement of the fixture, of this backup and at this time. */
function drillOf(id: string, digest: Sha256, at: Date, result: 'pass' | 'fail'): Statement {
  const sample = statementOf(at);
  const later = at.getTime() - Date.parse(sample.predicate.phases[0]?.started_at ?? '');
  const moved = JSON.parse(JSON.stringify(sample), (_, value) =>
    typeof value === 'string' && /^\d{4}-\d\d-\d\dT[\d:.]+Z$/.test(value)
      ? new Date(Date.parse(value) + later).toISOString()
      : value,
  ) as Statement;
  const { backup, attempts, checks } = moved.predicate;
  if (backup === undefined) throw new Error('the fixture drilled a backup');
  const [first, ...others] = checks;
  if (first === undefined) throw new Error('the fixture asked a check');
  const failed = { verdict: 'fail', reason: 'expectation_not_met' } as const;
  const ended = { result, ...(result === 'fail' && { reason: 'check_failed' as const }) };
  return {
    ...moved,
    subject: [{ name: `shop/${id}`, digest: { sha256: digest.slice('sha256:'.length) } }],
    predicate: {
      ...moved.predicate,
      ...ended,
      restore_point: { kind: 'latest', resolved: id },
      backup: { ...backup, id, sha256: digest },
      checks: [{ ...first, ...(result === 'fail' && failed) }, ...others],
      attempts: attempts.map(({ reason: _, ...attempt }) => ({
        ...attempt,
        outcome: result,
        ...(ended.reason && { reason: ended.reason }),
      })),
    },
  };
}
