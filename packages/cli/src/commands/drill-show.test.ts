import { expect, it } from 'vitest';
import { someEnvironment } from '../environment.fixture.js';
import { createOutput } from '../terminal/output.js';
import { tellOpen } from './drill-show.js';

const open = {
  drillId: 'drl_01KAG5QJ2V8Q6W9Z3T5X7Y1B4C',
  source: 'shop',
  pool: 'eu',
  state: 'waiting',
  trigger: { kind: 'api', requested_by: 'ci' },
  traceId: 'ab'.repeat(16),
  attempts: 0,
} as const;

const shown = (json: boolean): string => {
  let text = '';
  const stream = {
    write: (piece: string) => {
      text += piece;
    },
  };
  const output = createOutput(stream, stream, {}, { json, quiet: false, color: false });
  const process = { on: () => {}, off: () => {}, exit: (): never => expect.fail('it left') };
  tellOpen({ output, environment: someEnvironment(), process, configOption: undefined }, open);
  return text;
};

it('a drill under way says who asked and where it is traced', () => {
  expect(shown(false)).toMatch(/^asked by +api \(ci\)$/m);
  expect(shown(false)).toMatch(/^trace +(ab){16}$/m);
  expect(JSON.parse(shown(true))).toMatchObject({ trigger: open.trigger, trace_id: open.traceId });
});
