import { expect, it } from 'vitest';
import { someEnvironment } from '../environment.fixture.js';
import type { ApiClient } from '../fleet/api-client.js';
import { createOutput } from '../terminal/output.js';
import { DRILL_BY_API } from './drill-by-api.js';

it('what the API warns of is said, and in the document', async () => {
  const [id, warning] = ['drl_01KAG5QJ2V8Q6W9Z3T5X7Y1B4C', 'No worker serves the pool eu now.'];
  const api = { ask: async () => ({ id, warning }) } as unknown as ApiClient;
  const said = { stdout: '', stderr: '' };
  const stream = (name: keyof typeof said) => ({
    write: (text: string) => {
      said[name] += text;
    },
  });
  const options = { json: true, quiet: false, color: false };
  const output = createOutput(stream('stdout'), stream('stderr'), {}, options);
  const process = { on: () => {}, off: () => {}, exit: (): never => expect.fail('it left') };
  const cli = { output, environment: someEnvironment(), process, configOption: undefined };
  expect(await DRILL_BY_API.enqueue(cli, api, { source: 'shop' })).toBe(0);
  expect(said.stderr).toBe(`${warning}\n`);
  expect(JSON.parse(said.stdout)).toEqual({ drill_id: id, source: 'shop', warning });
});
