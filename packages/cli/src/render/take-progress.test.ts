import { expect, it } from 'vitest';
import { someEnvironment } from '../environment.fixture.js';
import { createOutput } from '../terminal/output.js';
import { takeObserver } from './take-progress.js';

it('a take that cleared nothing away says nothing of it', () => {
  const said: string[] = [];
  const stream = { write: (text: string) => void said.push(text), isTTY: false };
  const output = createOutput(stream, stream, {}, { json: false, quiet: false, color: false });
  const observer = takeObserver(
    { output, environment: someEnvironment(), process, configOption: undefined },
    'shop',
  );
  for (const phase of ['survey', 'sweep', 'dump', 'examine', 'publish'] as const) observer.observe({ phase });
  expect(said.join('').split('\n').filter(Boolean)).toEqual([
    'shop: looking at the source',
    'shop: dumping',
    'shop: examining',
    'shop: publishing',
  ]);
});
