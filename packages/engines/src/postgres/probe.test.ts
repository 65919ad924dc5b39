import { describe, expect, it } from 'vitest';
import { parseProbe } from './probe.js';

const TAB = '\t';
const line = (...fields: string[]) => `${[...fields, '', '', ''].slice(0, 4).join(TAB)}\n`;
const server = (major: number, dir: string) =>
  line(
    'server',
    dir,
    `postgres (PostgreSQL) ${major}.6 (Debian ${major}.6-1)`,
    `psql (PostgreSQL) ${major}.6`,
  );
const END = line('end');
const unavailable = expect.objectContaining({ code: 'image_unavailable' });

describe('what a probe printed', () => {
  it('tells each installation with its own extensions', () => {
    const found = parseProbe(
      server(15, '/a') + line('extension', '/a', 'citext') + server(17, '/b') + line('user', '70:70') + END,
    );
    expect(found.user).toBe('70:70');
    expect(found.installations.map(({ major, version }) => [major, version])).toEqual([
      [15, '15.6'],
      [17, '17.6'],
    ]);
    expect(found.installations.map(({ extensions }) => [...extensions])).toEqual([['citext'], []]);
  });

  it('tells the locales, or that any will do', () => {
    expect(parseProbe(line('locale', 'de_DE.utf8') + END).locales).toEqual(new Set(['de_DE.utf8']));
    expect(parseProbe(line('any-locale') + END).locales).toBe('any');
  });

  it('understands development versions', () => {
    const text = line('server', '/a', 'postgres (PostgreSQL) 18beta1', 'psql (PostgreSQL) 18beta1') + END;
    expect(parseProbe(text).installations[0]?.major).toBe(18);
  });

  it.each([
    '',
    server(15, '/a'),
    `${line('server', '/a', 'bash: not found')}${END}`,
    `what${TAB}ever\n${END}`,
  ])('is of no use where it did not end, or is not what was asked', (text) => {
    expect(() => parseProbe(text)).toThrow(unavailable);
  });
});
