import { Writable } from 'node:stream';
import { MusterError } from '@muster/core';
import { describe, expect, it } from 'vitest';
import { createLogger, type LoggerOptions } from './create-logger.js';

const now = (): Date => new Date('2026-11-20T03:00:00.000Z');

function logging(options: Partial<LoggerOptions> = {}) {
  let text = '';
  const stream = new Writable({
    write(chunk, _encoding, done) {
      text += chunk;
      done();
    },
  });
  const logger = createLogger({ service: 'sink', stream, pretty: false, now, ...options });
  return {
    logger,
    text: () => text,
    lines: () =>
      text
        .split('\n')
        .filter(Boolean)
        .map((line) => JSON.parse(line)),
  };
}

describe('a logger', () => {
  it('writes one line of JSON an event, at once', () => {
    const { logger, lines } = logging();
    logger.info('stored', { drill_id: 'drl_1', tries: 2, again: false, reason: undefined });
    expect(lines()).toEqual([
      {
        level: 'info',
        time: '2026-11-20T03:00:00.000Z',
        service: 'sink',
        drill_id: 'drl_1',
        tries: 2,
        again: false,
        msg: 'stored',
      },
    ]);
  });

  it('says code and message of a MusterError', () => {
    const { logger, lines } = logging();
    logger.error('not stored', new MusterError('evidence_unwritable', 'It is full.'), { drill_id: 'drl_1' });
    expect(lines()).toMatchObject([
      {
        level: 'error',
        msg: 'not stored',
        code: 'evidence_unwritable',
        error: 'It is full.',
        drill_id: 'drl_1',
      },
    ]);
  });

  it.each([
    [new TypeError('with hunter2 in it', { cause: new Error('hunter2') }), 'TypeError'],
    ['hunter2', 'string'],
    [null, 'object'],
  ])('says nothing that a foreign error may have read (%#)', (error, name) => {
    const { logger, lines, text } = logging();
    logger.error('failed', error);
    expect(lines()).toMatchObject([{ msg: 'failed', error: name }]);
    expect(text()).not.toContain('hunter2');
  });

  it('adds the frames of its stack at debug level, and not the message', () => {
    const { logger, lines, text } = logging({ level: 'debug' });
    logger.error('failed', new Error('hunter2\n    hunter2'));
    expect(lines()[0].stack).toContain('create-logger.test.ts');
    expect(text()).not.toContain('hunter2');
  });

  it('puts the fields of a child on each of its lines, and its own win', () => {
    const { logger, lines, text } = logging();
    const child = logger.child({ drill_id: 'drl_1', a: 1 }).child({ b: 2 });
    child.warn('waits', { a: 3 });
    expect(lines()).toMatchObject([{ level: 'warn', drill_id: 'drl_1', a: 3, b: 2 }]);
    expect(text().match(/"a"/g)).toHaveLength(1);
  });

  it('takes passwords of URIs out of messages, fields and errors', () => {
    const { logger, text } = logging();
    const uri = 'postgres://app:hunter2@db';
    logger.child({ bound: uri }).error(`at ${uri}`, new MusterError('internal', uri), { field: uri });
    expect(text().match(/app:\*\*\*@db/g)).toHaveLength(4);
    expect(text()).not.toContain('hunter2');
  });

  it('keeps what is below its level to itself', () => {
    const { logger, lines } = logging({ level: 'warn' });
    logger.info('not said');
    logger.warn('said');
    expect(lines()).toMatchObject([{ msg: 'said' }]);
    const silent = logging({ level: 'silent' });
    silent.logger.error('not said');
    expect(silent.text()).toBe('');
  });

  it('writes an aligned line for people', () => {
    const { logger, text } = logging({ pretty: true });
    logger.info('stored', { drill_id: 'drl_1', why: 'two words', none: '' });
    logger.error('not stored', new MusterError('evidence_unwritable', 'Full.'));
    expect(text().split('\n')).toEqual([
      '2026-11-20T03:00:00.000Z info  sink     stored drill_id=drl_1 why="two words" none=""',
      '2026-11-20T03:00:00.000Z error sink     not stored code=evidence_unwritable error=Full.',
      '',
    ]);
  });

  it('lets nothing through to a terminal that it would obey', () => {
    const { logger, text } = logging({ pretty: true });
    logger.info('a\n\u001b[2Jb', { field: '\u001b]0;x\u0007' });
    expect(text()).toBe('2026-11-20T03:00:00.000Z info  sink     a \uFFFD[2Jb field="\uFFFD]0;x\uFFFD"\n');
  });

  it('is coloured only where that is asked for', () => {
    const { logger, text } = logging({ pretty: true, color: true });
    logger.warn('waits');
    expect(text()).toContain('\u001b[33mwarn \u001b[39m');
  });
});
