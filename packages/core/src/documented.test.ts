import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { expect, it } from 'vitest';
import { COMMAND_CODES, type CommandCode } from './command-code.js';
import { USAGE_CODES } from './error.js';
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

it('docs/reasons.md lists the codes of commands as they are', () => {
  expect(rowsOf('## Of a command')).toEqual(
    Object.entries(COMMAND_CODES).map(
      ([code, meaning]) => `| \`${code}\` | ${USAGE_CODES.has(code as CommandCode) ? 64 : 2} | ${meaning} |`,
    ),
  );
});

const pages = (await readdir(new URL('docs/', root)))
  .filter((name) => name.endsWith('.md'))
  .map((name) => `docs/${name}`);

const readText = (page: string) => readFile(new URL(page, root), 'utf8');
/** Targets of links within the clone, as paths from its root. */
const linksOf = async (page: string) =>
  [...(await readText(page)).matchAll(/\]\(([^)\s]+)\)/g)]
    .map(([, link = '']) => link)
    .filter((link) => !/^[a-z]+:/.test(link))
    .map((link) => new URL(link, new URL(page, 'muster:///')))
    .map(({ pathname, hash }) => ({ path: pathname.slice(1), anchor: hash.slice(1) }));

/** As GitHub names the anchors of headings. */
const anchorsOf = (text: string): readonly string[] =>
  [...text.matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\s_-]/gu, '')
      .replaceAll(' ', '-'),
  );

it.each(['README.md', 'deploy/README.md', ...pages])('each link within %s leads somewhere', async (page) => {
  const dead: unknown[] = [];
  for (const { path, anchor } of await linksOf(page)) {
    const isThere = existsSync(new URL(path, root));
    if (!isThere || (anchor !== '' && !anchorsOf(await readText(path)).includes(anchor)))
      dead.push({ path, anchor });
  }
  expect(dead).toEqual([]);
});

it('the README leads to every page', async () => {
  const named = new Set((await linksOf('README.md')).map(({ path }) => path));
  expect(pages.filter((page) => !named.has(page))).toEqual([]);
});
