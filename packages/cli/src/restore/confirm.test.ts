import { PassThrough } from 'node:stream';
import { expect, it } from 'vitest';
import { createOutput } from '../terminal/output.js';
import { setLines, typeName } from './confirm.js';

const TARGET = { name: 'shop' };
const silent = { write: () => undefined };
const output = createOutput(silent, silent, {}, { json: false, quiet: false, color: false });

const typed = (text: string, isTTY = true): Promise<void> => {
  const input = Object.assign(new PassThrough(), { isTTY });
  input.end(text);
  return typeName(TARGET, input, output, new AbortController().signal);
};

it('the name of the target, typed by a person, lets a restore go on', async () => {
  await expect(typed('shop\n')).resolves.toBeUndefined();
});

it.each(['shop2\n', 'y\n', '\n', ''])('%j in its place does not', async (text) => {
  await expect(typed(text)).rejects.toMatchObject({ code: 'name_not_typed' });
});

it('nor does a name that no terminal has typed', async () => {
  await expect(typed('shop\n', false)).rejects.toMatchObject({ code: 'name_not_typed' });
});

it('what is going to happen to a data directory is said before', () => {
  const lines = setLines(
    { path: '/srv/pg', version: '15', isEmpty: false },
    undefined,
    { location: 'file:///repo', upTo: 'xid:7' },
    output,
  );
  expect(lines.map((line) => line.replace(/ +/g, ' '))).toEqual([
    'set the one that pgBackRest chooses',
    'from file:///repo',
    'up to xid:7',
    'into /srv/pg',
    'now there a cluster of PostgreSQL 15',
    'so it becomes what the backup is',
  ]);
});
