import { type ErrorCode, MusterError, type RecoveryRecord } from '@muster/core';
import { expect, it } from 'vitest';
import type { DrillPorts, DrillRequest } from './drill-ports.js';
import type { Launched } from './launch.js';
import type { Located } from './locate.js';
import { refuseFuture, restore } from './restore.js';

const fails = (code: ErrorCode) => async () => {
  throw new MusterError(code, 'x');
};
const located = {
  kind: 'file',
  artefact: { form: 'file', name: 'a', path: '/b/a', sizeBytes: 1 },
  facts: { format: 'custom', major: 17, databases: [] },
} as unknown as Located;
const source = { slug: 'shop', kind: 'postgres', scratch: { cpus: 1, diskBytes: 1 } };

/** What the restore comes to where the tool and the examination both find something. */
async function found(byTool: ErrorCode, byExamination: ErrorCode): Promise<unknown> {
  const ports = { worker: { cpus: 1 }, engineOf: () => ({ examine: fails(byExamination) }) };
  const launched = {
    server: { restore: fails(byTool) },
    scratch: { limits: {}, diagnose: async () => undefined },
  };
  return await restore(
    ports as unknown as DrillPorts,
    { source, plan: {} } as unknown as DrillRequest,
    located,
    launched as unknown as Launched,
    {},
    { during: (_, dump) => dump() },
    new AbortController().signal,
  ).catch((error: unknown) => error);
}

it('what the tool says of a backup that was written to meanwhile is no evidence against it', async () =>
  expect(await found('restore_failed', 'backup_changed')).toMatchObject({ code: 'backup_changed' }));

it('what the examination finds is the more exact word', async () =>
  expect(await found('restore_failed', 'truncated')).toMatchObject({ code: 'truncated' }));

it('what was recovered is not of the future, by more than clocks differ', () => {
  const now = new Date('2026-11-20T03:00:00.000Z');
  const committed = (at: string): RecoveryRecord => ({
    target: { kind: 'latest' },
    reached: true,
    last_commit_before: at,
    proof: 'one_side',
  });
  refuseFuture(committed('2026-11-20T03:05:00.000000Z'), now);
  expect(() => refuseFuture(committed('2026-11-20T03:05:00.001000Z'), now)).toThrowError(/03:05:00\.001Z/);
});
