import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { expect, it } from 'vitest';
import { CHECK_REASONS, REASONS } from './reason.js';

const root = new URL('../../../', import.meta.url);
const reasons = (await readFile(new URL('docs/reasons.md', root), 'utf8')).split('\n');
const rowsOf = (heading: string): readonly string[] => {
  const rest = reasons.slice(reasons.indexOf(heading) + 1);
  const end = rest.findIndex((line) => line.startsWith('## '));
  return rest.slice(0, end).filter((line) => line.startsWith('| `'));
};

it('docs/reasons.md lists the reasons of drills as they are', () => {
  expect(rowsOf('# Reasons')).toEqual(
    Object.entries(REASONS).map(
      ([code, { result, retryable, meaning }]) =>
        `| \`${code}\` | ${result} | ${retryable ? 'yes' : 'no'} | ${meaning} |`,
    ),
  );
});

it('docs/reasons.md lists the reasons of checks as they are, with a meaning', () => {
  const told = rowsOf('## Of a check').map((row) => row.split('|').map((cell) => cell.trim()));
  expect(told.map(([, code, verdict]) => [code, verdict])).toEqual(
    Object.entries(CHECK_REASONS).map(([code, verdict]) => [`\`${code}\``, verdict]),
  );
  expect(told.every(([, , , meaning]) => meaning !== '')).toBe(true);
});

const pages = (await readdir(new URL('docs/', root)))
  .filter((name) => name.endsWith('.md'))
  .map((name) => `docs/${name}`);

it.each(['README.md', ...pages])('each relative link of %s leads somewhere', async (page) => {
  const text = await readFile(new URL(page, root), 'utf8');
  const links = [...text.matchAll(/\]\(([^)\s#]+)(?:#[^)\s]*)?\)/g)].map(([, link = '']) => link);
  const dead = links.filter(
    (link) => !/^[a-z]+:/.test(link) && !existsSync(new URL(link, new URL(page, root))),
  );
  expect(dead).toEqual([]);
});
