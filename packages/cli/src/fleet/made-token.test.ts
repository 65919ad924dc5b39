import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, expect, it } from 'vitest';
import type { Cli } from '../cli.js';
import { someEnvironment } from '../environment.fixture.js';
import { createOutput } from '../terminal/output.js';
import { tellMadeToken } from './made-token.js';

const API = {
  address: 'http://127.0.0.1:7655',
  board: 'http://127.0.0.1:7655/queues',
  madeToken: 'mst_MADE',
};

let folder: string;
let said: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'muster-token-'));
  said = '';
  return () => rm(folder, { recursive: true });
});

function cli(isTTY: boolean): Cli {
  const stderr = {
    isTTY,
    write: (text: string): void => {
      said += text;
    },
  };
  const options = { json: false, quiet: false, color: false };
  return {
    environment: someEnvironment({ env: { MUSTER_STATE_DIR: join(folder, 'state') } }),
    output: createOutput(stderr, stderr, {}, options),
  } as unknown as Cli;
}

it('is said on a terminal, and kept nowhere', async () => {
  const forget = await tellMadeToken(cli(true), API);
  expect(said).toContain('takes this token until it stops: mst_MADE\n');
  expect(await readdir(folder)).toEqual([]);
  await forget();
});

it('is elsewhere in a file for one user, which the log names, until the API stops', async () => {
  // As a killed one left it.
  await tellMadeToken(cli(false), { ...API, madeToken: 'mst_OLD' });
  const forget = await tellMadeToken(cli(false), API);
  const file = join(folder, 'state/api-token-http-127.0.0.1-7655');
  expect(said).toContain(`takes the token of this file until it stops: ${file}\n`);
  expect(said).not.toContain('mst_');
  expect(await readFile(file, 'utf8')).toBe('mst_MADE\n');
  expect((await stat(file)).mode & 0o777).toBe(0o600);
  await forget();
  expect(await readdir(join(folder, 'state'))).toEqual([]);
});

it('is nothing to tell where tokens are configured', async () => {
  await (await tellMadeToken(cli(false), { address: API.address }))();
  expect([said, await readdir(folder)]).toEqual(['', []]);
});
