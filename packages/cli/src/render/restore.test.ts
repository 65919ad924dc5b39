import { expect, it } from 'vitest';
import { someEnvironment } from '../environment.fixture.js';
import { createOutput } from '../terminal/output.js';
import { restoreObserver } from './restore.js';

it('a tool that tells no bytes has its progress told in percent, with the time left', () => {
  let at = 0;
  const said: string[] = [];
  const stderr = { write: (text: string) => said.push(text) };
  const output = createOutput(stderr, stderr, {}, { json: false, quiet: false, color: false });
  const { observe } = restoreObserver({ environment: someEnvironment({ now: () => new Date(at) }), output });
  for (const done of [0.25, 0.5, 0.75]) {
    at += 10_000;
    observe({ type: 'share', done });
  }
  expect(said.at(-1)?.trim()).toBe('75% · 0:10 left');
});
