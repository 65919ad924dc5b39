import { expect, it } from 'vitest';
import { createOutput } from '../terminal/output.js';
import { drillTable } from './drill-list.js';

const ID = 'drl_01KAG5QJ2V8Q6W9Z3T5X7Y1B4C';
const nowhere = { write: () => {} };
const output = createOutput(nowhere, nowhere, {}, { json: false, quiet: false, color: false });
const drill = { drillId: ID, source: 'shop', pool: 'eu', attempts: 0 };

it.each([
  ['waiting', {}, 'waits for a free worker of the pool eu'],
  ['delayed', {}, 'waits for its time'],
  ['delayed', { waitsFor: 'room: memory on host' }, 'waits for room: memory on host'],
  ['storing', { waitsFor: 'the sink' }, 'waits for the sink'],
] as const)('a drill that is %s says what it waits for', (state, more, text) => {
  const [, line] = drillTable(output, [], [{ ...drill, state, ...more }]);
  expect(line).toMatch(new RegExp(`^${ID} .* shop +${state} +${text}$`));
});

it('a drill that ended says how long it took', () => {
  const ended = { drill_id: ID, source: 'shop', result: 'pass', issued_at: '', receipt: '' } as const;
  const lines = drillTable(output, [{ ...ended, duration_ms: 61_000 }, ended], []);
  expect(lines[1]).toMatch(/✔ pass +1 min 01 s$/);
  expect(lines[2]).toMatch(/✔ pass *$/);
});

it('a drill of a stand-in says so', () => {
  const ended = { drill_id: ID, source: 'shop', result: 'pass', issued_at: '', receipt: '' } as const;
  const [, line] = drillTable(output, [{ ...ended, substitute: true }], []);
  expect(line).toMatch(/✔ pass \(by a stand-in\) *$/);
});
