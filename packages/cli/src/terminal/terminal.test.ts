import { describe, expect, it } from 'vitest';
import { ago, countdown } from './clock.js';
import { createOutput } from './output.js';
import { cutTo, printable, printableLines } from './printable.js';
import { type Flow, flowed, rateOf, timeLeft } from './rate.js';
import { shellWord } from './shell.js';
import { createStyle, wantsColour } from './style.js';
import { table } from './table.js';

const plain = createStyle(false);

describe('the clock', () => {
  it.each([
    [-5, '0:00'],
    [3100, '0:04'],
    [725_000, '12:05'],
    [3_723_000, '1:02:03'],
  ])('%d ms left read %s', (ms, text) => expect(countdown(ms)).toBe(text));

  const now = new Date('2026-11-20T12:00:00Z');
  it.each([
    ['2026-11-20T11:59:30Z', 'just now'],
    ['2026-11-20T11:59:00Z', '1 minute ago'],
    ['2026-11-20T10:30:00Z', '1 hour ago'],
    ['2026-11-17T11:00:00Z', '3 days ago'],
    ['2026-11-20T12:30:00Z', 'in the future'],
  ])('%s is %s', (then, text) => expect(ago(new Date(then), now)).toBe(text));
});

describe('text of unknown origin', () => {
  it('cannot command the terminal', () => {
    expect(printable('a\u001b[2Jb\nc\u009b31m\u202e')).toBe('a\\u{1b}[2Jb\\nc\\u{9b}31m\\u{202e}');
  });
  it('keeps its lines where it may have several', () => {
    expect(printableLines('a\tb\r\n\u001b]0;x\u0007')).toBe('a\tb\n\\u{1b}]0;x\\u{7}');
  });
  it('keeps what people write', () => expect(printable('Ångström 数据 👩‍🚀')).toBe('Ångström 数据 👩‍🚀'));
  it('is cut by the columns it takes, never inside a character', () => {
    expect(cutTo('数据库名称', 6)).toBe('数据…');
    expect(cutTo('short', 5)).toBe('short');
  });
});

describe('a table', () => {
  const columns = [
    { title: 'id' },
    { title: 'note' },
    { title: 'row', flexible: true },
    { title: 'took', align: 'right' },
  ] as const;
  const rows = [
    [{ text: '数据' }, { text: '' }, { text: 'n = 12345678901234567890' }, { text: '3 ms' }],
    [{ text: 'orders' }, { text: '' }, { text: 'n = 1' }, { text: '120 ms' }],
  ];
  it('aligns by columns of the terminal, and leaves out what is empty', () => {
    expect(table(columns, rows, plain, 80)).toEqual([
      'id      row                         took',
      '数据    n = 12345678901234567890    3 ms',
      'orders  n = 1                     120 ms',
    ]);
  });
  it('gives way in its flexible column', () => {
    expect(table(columns, rows, plain, 30)[1]).toBe('数据    n = 123456789…    3 ms');
  });
});

describe('progress', () => {
  const flow = (...reports: [number, number][]): Flow =>
    reports.reduce<Flow | undefined>(
      (last, [at, bytes]) => flowed(last, at, { bytes, totalBytes: 10_000 }),
      undefined,
    ) as Flow;

  it('tells no rate before there is one', () =>
    expect(rateOf(flow([0, 0], [100, 500]), 100)).toBeUndefined());
  it('tells the rate of the last seconds', () => {
    expect(rateOf(flow([0, 0], [1000, 1000]), 1000)).toBe(1000);
    expect(rateOf(flow([0, 0], [6000, 1000], [12_000, 1600], [13_000, 2300]), 13_000)).toBeCloseTo(185.71);
  });
  it('slows down where nothing comes', () => expect(rateOf(flow([0, 0], [1000, 1000]), 4000)).toBe(250));
  it('tells the time left, and none where nothing moves', () => {
    expect(timeLeft(flow([0, 0], [1000, 2000]), 1000)).toBe(4000);
    expect(timeLeft(flow([0, 0], [1000, 0]), 1000)).toBeUndefined();
  });
  it('begins anew where the count falls', () => {
    expect(rateOf(flow([0, 0], [1000, 5000], [2000, 100]), 2100)).toBeUndefined();
  });
});

describe('colour', () => {
  it('is for terminals whose owner did not refuse it', () => {
    expect(wantsColour({ isTTY: true }, {}, true)).toBe(true);
    expect(wantsColour({}, {}, true)).toBe(false);
    expect(wantsColour({ isTTY: true }, { NO_COLOR: '1' }, true)).toBe(false);
    expect(wantsColour({ isTTY: true }, { NO_COLOR: '' }, true)).toBe(true);
    expect(wantsColour({ isTTY: true }, { TERM: 'dumb' }, true)).toBe(false);
    expect(wantsColour({ isTTY: true }, {}, false)).toBe(false);
  });
});

describe('output', () => {
  const sink = () => {
    const written: string[] = [];
    return { written, write: (text: string) => written.push(text) };
  };
  it('gives a pipe one JSON document and nothing else', () => {
    const [stdout, stderr] = [sink(), sink()];
    const output = createOutput(stdout, stderr, {}, { json: true, quiet: false, color: true });
    output.note('a note');
    output.result({ a: 1 }, () => ['for people']);
    expect(JSON.parse(stdout.written.join(''))).toEqual({ a: 1 });
    expect(stderr.written).toEqual(['a note\n']);
    expect(() => output.result({}, () => [])).toThrow('one result');
  });
  it('keeps quiet but for the result and alerts', () => {
    const [stdout, stderr] = [sink(), sink()];
    const output = createOutput(stdout, stderr, {}, { json: false, quiet: true, color: true });
    output.note('a note');
    output.alert('an alert');
    output.result({}, () => ['one', 'two']);
    expect(stdout.written.join('')).toBe('one\ntwo\n');
    expect(stderr.written).toEqual(['an alert\n']);
  });
});

it('a word for a shell is quoted only where it must be', () => {
  expect(shellWord('./a-b/c_1.json')).toBe('./a-b/c_1.json');
  expect(shellWord("it's here")).toBe("'it'\\''s here'");
});
