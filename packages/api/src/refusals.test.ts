import type { Logger } from '@muster/telemetry';
import { expect, it } from 'vitest';
import { createRefusals } from './refusals.js';

function world() {
  const lines: [string, unknown][] = [];
  const logger: Logger = {
    info: () => {},
    warn: (message, fields) => void lines.push([message, fields]),
    error: () => {},
    child: () => logger,
  };
  const given = { ms: 0 };
  return { lines, given, tell: createRefusals(logger, () => new Date(given.ms)) };
}

it('is bounded for each address, and says later how many it left out', () => {
  const { lines, given, tell } = world();
  for (let asked = 0; asked < 15; asked += 1) tell('a token that is not known', '192.0.2.1');
  tell('a token that is not known', '192.0.2.2', { route: '/api/v1/drills' });
  expect(lines).toHaveLength(11);
  expect(lines.at(-1)).toEqual([
    'a token that is not known',
    { address: '192.0.2.2', route: '/api/v1/drills' },
  ]);
  given.ms = 60_000;
  tell('a token that is not known', '192.0.2.1');
  expect(lines.slice(11)).toEqual([
    ['of what was refused, some is not in this log', { left_out: 5 }],
    ['a token that is not known', { address: '192.0.2.1' }],
  ]);
});

it('is bounded where each comes from another address', () => {
  const { lines, tell } = world();
  for (let asked = 0; asked < 500; asked += 1) tell('a token that is not known', `192.0.2.1:${asked}`);
  expect(lines).toHaveLength(100);
});
