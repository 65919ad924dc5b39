import { describe, expect, it } from 'vitest';
import { configLines, libraryNames } from './server-config.js';

describe('a postgresql.conf', () => {
  it('says what it says, in its order', () => {
    const text = `
# shared_preload_libraries = 'x'
Shared_Preload_Libraries = 'pg_cron, it''s, a\\'b' # why
  include 'more.conf'
include_dir='conf.d'
max_connections 321
huge_pages=on # off
broken = 'no end
= 5
`;
    expect(configLines(text)).toEqual([
      { name: 'shared_preload_libraries', value: "pg_cron, it's, a'b" },
      { name: 'include', value: 'more.conf' },
      { name: 'include_dir', value: 'conf.d' },
      { name: 'max_connections', value: '321' },
      { name: 'huge_pages', value: 'on' },
    ]);
  });

  it('names libraries in several ways', () =>
    expect(libraryNames(' "timescaledb",$libdir/pg_cron, pg_cron.so,, /opt/x.so')).toEqual([
      'timescaledb',
      'pg_cron',
      '/opt/x',
    ]));
});
