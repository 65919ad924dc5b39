import { describe, expect, it } from 'vitest';
import { libpqEnvironment, parseConnectionUri, serviceFile } from './connection-uri.js';

const refused = (uri: string) => {
  try {
    parseConnectionUri(uri);
  } catch (error) {
    return error as { code: string; message: string };
  }
  throw new Error('it was not refused');
};

describe('a connection URI', () => {
  it('is read as libpq reads it', () => {
    expect(
      parseConnectionUri(
        'postgresql://al%40x:p%2Fw%3A@db.example:6432/shop?sslmode=require&sslpassword=s%20s&schema=x',
      ),
    ).toEqual({
      hosts: [{ host: 'db.example', port: 6432 }],
      user: 'al@x',
      password: 'p/w:',
      database: 'shop',
      sslmode: 'require',
      connectMs: 30_000,
      rest: {},
      service: { sslpassword: 's s' },
    });
  });

  it('may name a socket directory, in either place', () => {
    for (const uri of [
      'postgres://u@%2Frun%2Fpostgresql/d',
      'postgres://u@/d?host=/run/postgresql',
      'postgres:///d?host=/run/postgresql&user=u',
    ]) {
      expect(parseConnectionUri(uri)).toMatchObject({
        hosts: [{ host: '/run/postgresql', port: 5432 }],
        user: 'u',
        database: 'd',
      });
    }
  });

  it('may name several hosts', () => {
    expect(parseConnectionUri('postgres://u@a:1,[::1]:2,c/d').hosts).toEqual([
      { host: 'a', port: 1 },
      { host: '::1', port: 2 },
      { host: 'c', port: 5432 },
    ]);
  });

  it('has libpq’s defaults', () => {
    expect(parseConnectionUri('postgres://u@h')).toMatchObject({ database: 'u', sslmode: 'prefer' });
  });

  it.each([
    'mysql://root:hunter2@h/d',
    'hunter2',
    'postgres://u:hunter2@h:99999/d',
    'postgres://u:hunter2%zz@h/d',
    'postgres://:hunter2@h/d',
    'postgres://u:hunter2@h/d?sslmode=maybe',
    'postgres://u:hunter2@h/d?sslmode=verify-full',
    'postgres://u:hunter2@h/d?connect_timeout=soon',
    'postgres://u:hunter2@h/d?sslpassword=x%0Apassword=hunter2',
  ])('that cannot be used is refused without a word of it', (uri) => {
    const { code, message } = refused(uri);
    expect(code).toBe('secret_unavailable');
    expect(message).not.toContain('hunter2');
  });

  it('becomes the environment of libpq’s tools, and nothing of the machine’s own is looked up', () => {
    const uri = parseConnectionUri('postgres://u:p@a,b:2/d?sslmode=require&channel_binding=require&schema=x');
    expect(libpqEnvironment(uri)).toEqual({
      PGHOST: 'a,b',
      PGPORT: '5432,2',
      PGUSER: 'u',
      PGPASSWORD: 'p',
      PGDATABASE: 'd',
      PGSSLMODE: 'require',
      PGCHANNELBINDING: 'require',
      PGCONNECT_TIMEOUT: '30',
      PGAPPNAME: 'muster',
      PGPASSFILE: '/dev/null',
    });
  });

  it('tells what has no variable in a service file, and notices a source that is gone', () => {
    const uri = parseConnectionUri('postgres://u@h/d?sslpassword=a%20=b&keepalives_idle=5&connect_timeout=1');
    expect(serviceFile(uri)).toBe(
      '[muster]\nkeepalives_idle=5\nkeepalives_interval=10\nkeepalives_count=3\nsslpassword=a =b',
    );
    expect(libpqEnvironment(uri)).toMatchObject({ PGCONNECT_TIMEOUT: '2' });
  });
});
