import { describe, expect, it } from 'vitest';
import { writeInfo } from './info-file.fixture.js';
import { infoPairs, readInfoFile } from './info-file.js';

const MIB = 1024 * 1024;

/** What is asked for of it, and no more. */
const endless = (piece: string) => {
  let asked = 0;
  const bytes = async function* () {
    const chunk = Buffer.from(piece.padEnd(MIB, '1'));
    for (;;) {
      asked += 1;
      yield chunk;
    }
  };
  return { source: { name: 'backup.info', passphrase: undefined, bytes }, asked: () => asked };
};

const damaged = (why: string) => ({ code: 'corrupt', message: expect.stringContaining(why) });

describe('an info file', () => {
  it('has no line without an end, which is not read to one', async () => {
    const { source, asked } = endless('[backrest]');
    await expect(readInfoFile(source)).rejects.toMatchObject(damaged('in one line'));
    await expect(Array.fromAsync(infoPairs(source))).rejects.toMatchObject(damaged('in one line'));
    expect(asked()).toBeLessThan(20);
  });

  it('is not read on where it is far too long', async () => {
    const { source, asked } = endless('\n[backrest]\na=');
    await expect(readInfoFile(source)).rejects.toMatchObject(damaged('as a whole'));
    expect(asked()).toBeLessThan(20);
  });

  it('may have lines and a length that many sets give it', async () => {
    const sets = Object.fromEntries(Array.from({ length: 4 }, (_, n) => [n, 'x'.repeat(3 * MIB)]));
    const bytes = async function* () {
      yield Buffer.from(writeInfo({ sets }));
    };
    const read = await readInfoFile({ name: 'backup.info', passphrase: undefined, bytes });
    expect(read.get('sets')?.size).toBe(4);
  });
});
