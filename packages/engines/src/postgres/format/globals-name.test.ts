import { expect, it } from 'vitest';
import { isGlobalsName } from './globals-name.js';

it.each([
  'globals.sql',
  'roles.sql.gz',
  'shop.globals.sql.zst.age',
  'globals_20261121T030000Z.sql',
  'pg_globals_2026-11-21T03:00:00Z.sql',
  'cluster-globals-only.SQL',
])('%s is of a cluster', (name) => expect(isGlobalsName(name)).toBe(true));

it.each(['shop.sql', 'globals.dump', 'globalsales.sql', 'myroles.sql', 'roles.sql.sha256', 'roles'])(
  '%s is not',
  (name) => expect(isGlobalsName(name)).toBe(false),
);
