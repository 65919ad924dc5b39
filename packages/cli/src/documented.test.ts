import { readdir, readFile } from 'node:fs/promises';
import { expect, it } from 'vitest';
import { createProgram } from './program.js';

const root = new URL('../../../', import.meta.url);
const pages = (await readdir(new URL('docs/', root)))
  .filter((name) => name.endsWith('.md'))
  .map((name) => `docs/${name}`);

/** The lines `muster …` of the blocks for shells, without what stands before or behind the command. */
function commandsIn(text: string): readonly string[] {
  const blocks = [...text.matchAll(/^```sh\n(.*?)^```/gms)].map(([, block = '']) => block);
  return blocks
    .flatMap((block) => block.replaceAll('\\\n', ' ').split('\n'))
    .map((line) => /^(?:[A-Z_]+=\S+ )*muster (.*)$/.exec(line)?.[1])
    .filter((line) => line !== undefined)
    .map((line) => line.replace(/ +#.*$/, '').replace(/ [|>&;].*$/, ''));
}

/** As a shell would, of the simple words of examples. */
const wordsOf = (line: string): readonly string[] =>
  [...line.matchAll(/(?:'[^']*'|"[^"]*"|[^\s'"])+/g)].map(([word]) => word.replace(/['"]/g, ''));

it.each(['README.md', 'deploy/README.md', ...pages])('the commands of %s are as it says', async (page) => {
  for (const line of commandsIn(await readFile(new URL(page, root), 'utf8'))) {
    const understood = createProgram(async () => {}).parseAsync(wordsOf(line), { from: 'user' });
    await expect(understood, `muster ${line}`).resolves.toBeDefined();
  }
});
