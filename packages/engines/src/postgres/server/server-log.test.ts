import { describe, expect, it } from 'vitest';
import { ServerLog } from './server-log.js';

const line = (rest: string) => `muster|42|${rest}\n`;

describe('the log of a server', () => {
  it('tells code, kind of statement and message of each error, whatever pieces it comes in', () => {
    const log = new ServerLog();
    const text =
      line('42P06|CREATE SCHEMA|ERROR:  schema "public" already exists') + line('57P01||FATAL:  bye');
    for (const piece of text) log.write(piece);
    expect(log.takeErrors()).toEqual([
      {
        pid: 42,
        sqlstate: '42P06',
        statement: 'CREATE SCHEMA',
        severity: 'ERROR',
        message: 'schema "public" already exists',
      },
      { pid: 42, sqlstate: '57P01', statement: '', severity: 'FATAL', message: 'bye' },
    ]);
    expect(log.takeErrors()).toEqual([]);
  });

  it('does not take the further lines of a message for messages', () => {
    const log = new ServerLog();
    log.write(line('22P02|COPY|ERROR:  a\n\tmuster|1|00000|COPY|ERROR:  b'));
    expect(log.takeErrors()).toHaveLength(1);
  });

  it('passes over what is no error', () => {
    const log = new ServerLog();
    log.write(`${line('00000||LOG:  checkpoint') + line('01000|DO|WARNING:  careful')}anything else\n`);
    expect(log.takeErrors()).toEqual([]);
  });

  it('is ready when the server says so itself, and not when a statement does', async () => {
    const log = new ServerLog();
    let ready = false;
    const waiting = log.ready.then(() => {
      ready = true;
    });
    log.write(line('22000|DO|ERROR:  database system is ready to accept connections'));
    await Promise.resolve();
    expect(ready).toBe(false);
    log.write(line('00000||LOG:  database system is ready to accept connections'));
    await waiting;
    expect(ready).toBe(true);
  });

  it('says when it has come to a mark', async () => {
    const log = new ServerLog();
    const reached = log.reached('the-mark');
    log.write(line('00000|DO|LOG:  the-mark'));
    await expect(reached).resolves.toBeUndefined();
  });

  it('does not grow with what it reads', () => {
    const log = new ServerLog();
    for (let n = 0; n < 100; n += 1) log.write('x'.repeat(10_000));
    expect(log.tail.length).toBeLessThanOrEqual(64 * 1024);
    for (let n = 0; n < 50_000; n += 1) log.write(line(`42704|SET|ERROR:  ${'x'.repeat(2000)}`));
    const errors = log.takeErrors();
    expect(errors.length).toBeLessThanOrEqual(20_000);
    expect(Math.max(...errors.map(({ message }) => message.length))).toBeLessThanOrEqual(1024);
  });
});
