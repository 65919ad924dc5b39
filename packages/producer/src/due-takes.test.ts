import { type KnownTake, newTakeId, parseConfig, sha256 } from '@muster/core';
import { expect, it } from 'vitest';
import { createDueTakes } from './due-takes.js';
import { inForceOf } from './in-force.js';
import type { ProducerPorts } from './producer-ports.js';

const text = `sources: [{ slug: shop, kind: postgres, connection: { uri: env:A }, restore_only: true,
  backup: { type: dump, location: /b }, take: { cron: "0 * * * *" } }]`;

/** A producer at noon, and what is known of the takes before. */
function world() {
  const parsed = parseConfig(text, { file: 'm.yaml', baseDirectory: '/' });
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.faults));
  const document = { digest: sha256(text), text, directory: '/' };
  const read = { config: parsed.config, document };
  const inForce = inForceOf(read, { type: 'file' }, () => ({}) as ReturnType<ProducerPorts['openStore']>);
  const now = new Date('2026-11-21T12:00:30.000Z');
  const known: KnownTake[] = [];
  const warned: unknown[] = [];
  const ports = {
    schedules: { accounted: async () => new Map([['shop/take.default', now]]) },
    takeHistory: { list: async () => new Map([['shop', known.toReversed()]]) },
    logger: { info: () => {}, warn: (_: string, fields: object) => void warned.push(fields) },
    now: () => now,
  } as unknown as ProducerPorts;
  const note = (outcome: NonNullable<KnownTake['outcome']>): void => {
    const due = new Date(Date.UTC(2026, 10, 21, known.length)).toISOString();
    const trigger = { kind: 'schedule', schedule: 'default', scheduled_for: due } as const;
    const id = newTakeId(new Date(due));
    known.push({ id, trigger, pool: 'p', due_at: due, asked_at: due, state: 'ended', tries: 1, outcome });
  };
  const dues = createDueTakes(ports);
  return { note, warned, pass: () => dues.pass(inForce) };
}

it('a finding is told once, and again when it comes back', async () => {
  const { note, warned, pass } = world();
  for (let failed = 0; failed < 3; failed += 1) note('failed');
  await pass();
  await pass();
  const told = { source: 'shop', finding: 'never_met', schedule: 'default' };
  expect(warned).toEqual([told]);
  note('taken');
  await pass();
  for (let failed = 0; failed < 3; failed += 1) note('failed');
  await pass();
  expect(warned).toEqual([told, told]);
});
