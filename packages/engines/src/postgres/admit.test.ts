import { describe, expect, it } from 'vitest';
import { chooseInstallation, requireLocales } from './admit.js';
import type { Installation } from './probe.js';

const installation = (major: number): Installation => ({
  bindir: `/${major}`,
  major,
  version: `${major}.1`,
  psqlVersion: `${major}.1`,
  extensions: new Set(),
});
const image = (...majors: number[]) => ({
  installations: majors.map(installation),
  locales: new Set(['C', 'de_DE.utf8', 'de_DE.iso88591@euro']),
});
const code = (code: string) => expect.objectContaining({ code });

describe('the server for a backup', () => {
  it('is of its own major version', () => {
    expect(chooseInstallation(image(17, 15, 16), 15, 'there').major).toBe(15);
  });

  it('is else the nearest newer one', () => {
    expect(chooseInstallation(image(18, 17), 15, 'there').major).toBe(17);
  });

  it('is never an older one', () => {
    expect(() => chooseInstallation(image(15, 16), 17, 'the image x')).toThrow(code('version_unavailable'));
    expect(() => chooseInstallation(image(15, 16), 17, 'the image x')).toThrow(/the image x has 15, 16/);
  });

  it('is not to be had where there is none', () => {
    expect(() => chooseInstallation(image(), 17, 'there')).toThrow(code('image_unavailable'));
  });
});

describe('the locale of a database', () => {
  it.each(['C', 'POSIX', 'de_DE.UTF-8', 'de_DE.utf8', 'de_DE.ISO-8859-1@euro'])('%s is there', (collate) => {
    expect(() => requireLocales({ collate, ctype: collate }, image(), 'there')).not.toThrow();
  });

  it('that is not there is named', () => {
    expect(() => requireLocales({ collate: 'fr_FR.UTF-8' }, image(), 'there')).toThrow(
      code('locale_missing'),
    );
    expect(() => requireLocales({ collate: 'fr_FR.UTF-8' }, image(), 'there')).toThrow(/fr_FR\.UTF-8/);
  });

  it('is not asked after where the C library takes any', () => {
    expect(() =>
      requireLocales({ collate: 'xx_XX' }, { installations: [], locales: 'any' }, 'there'),
    ).not.toThrow();
  });
});
