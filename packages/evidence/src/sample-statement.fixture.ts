import { createHash } from 'node:crypto';
import {
  checkSha256,
  expectSha256,
  newDrillId,
  PREDICATE_TYPE,
  type Predicate,
  STATEMENT_TYPE,
  type Statement,
} from '@muster/core';

export const SAMPLE_DUMP = Buffer.from('PGDMP, and then a shop\n');

export const SAMPLE_CHECKS = [
  { id: 'recent-orders', sql: 'SELECT COUNT(*) AS n FROM orders', expect: 'n > 100' },
  { id: 'città', sql: "SELECT name FROM city WHERE name = 'Zürich'", expect: "name == 'Zürich'" },
].map(({ id, sql, expect }) => ({
  id,
  checkSha256: checkSha256({ question: { kind: 'postgres', summarySql: sql } }),
  expectSha256: expectSha256(expect),
}));

/** A statement as a drill that passed writes it. */
export function sampleStatement(
  changes: Partial<Predicate> = {},
  digest = createHash('sha256').update(SAMPLE_DUMP).digest('hex'),
): Statement {
  const predicate: Predicate = {
    drill_id: newDrillId(new Date('2026-11-20T03:00:00.000Z'), () => 0.5),
    source: { slug: 'shop', kind: 'postgres' },
    trigger: { kind: 'cli' },
    config_sha256: `sha256:${'c'.repeat(64)}`,
    restore_point: { kind: 'latest', resolved: 'shop.dump' },
    backup: {
      id: 'shop.dump',
      sha256: `sha256:${digest}`,
      size_bytes: SAMPLE_DUMP.byteLength,
      created_at: '2026-11-20T02:00:00.000Z',
      created_at_from: 'header',
      format: 'custom+gzip',
      location: '/var/backups/shop.dump',
    },
    environment: {
      worker: 'w1',
      pool: 'default',
      isolation: 'docker',
      limits: { cpus: 1.5, memory_bytes: 4_294_967_296 },
      engine: 'postgres',
      engine_version: '17.6',
      muster_version: '0.1.0',
      node_version: 'v24.0.0',
      os: 'Linux 6.1',
    },
    phases: [
      { name: 'locate', started_at: '2026-11-20T03:00:00.000Z', duration_ms: 10, outcome: 'done' },
      { name: 'launch', started_at: '2026-11-20T03:00:00.010Z', duration_ms: 990, outcome: 'done' },
      { name: 'restore', started_at: '2026-11-20T03:00:01.000Z', duration_ms: 2000, outcome: 'done' },
      { name: 'check', started_at: '2026-11-20T03:00:03.000Z', duration_ms: 500, outcome: 'done' },
      { name: 'destroy', started_at: '2026-11-20T03:00:03.500Z', duration_ms: 500, outcome: 'done' },
    ],
    restore: {
      duration_ms: 2000,
      bytes: SAMPLE_DUMP.byteLength,
      objects: 12,
      warnings: [{ sqlstate: '42P06', statement: 'CREATE SCHEMA', count: 1 }],
    },
    checks: SAMPLE_CHECKS.map((check, index) => ({
      id: check.id,
      check_sha256: check.checkSha256,
      expect_sha256: check.expectSha256,
      verdict: 'pass' as const,
      summary:
        index === 0
          ? { n: 100_000 }
          : { name: 'Zürich', population: '9007199254740993', ok: true, note: null },
      started_at: `2026-11-20T03:00:03.${index}00Z`,
      duration_ms: 100,
    })),
    attempts: [
      {
        worker: 'w1',
        started_at: '2026-11-20T03:00:00.000Z',
        ended_at: '2026-11-20T03:00:04.000Z',
        outcome: 'pass',
      },
    ],
    result: 'pass',
    issued_at: '2026-11-20T03:00:04.000Z',
    ...changes,
  };
  const { backup } = predicate;
  return {
    _type: STATEMENT_TYPE,
    subject: [{ name: backup?.sha256 ? `shop/${backup.id}` : 'shop/plan', digest: { sha256: digest } }],
    predicateType: PREDICATE_TYPE,
    predicate,
  };
}
