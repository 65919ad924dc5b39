import { readFile } from 'node:fs/promises';

/** The blocks of shell below a heading of a page, up to the next heading: for tests that do what the page says. */
export async function commandsOf(page: string, heading: string): Promise<readonly string[]> {
  const text = await readFile(page, 'utf8');
  const section = text.split(/^(?=##)/m).find((part) => part.startsWith(`${heading}\n`)) ?? '';
  return [...section.matchAll(/^```sh\n(.*?)^```$/gms)].flatMap(([, block]) => block ?? []);
}
