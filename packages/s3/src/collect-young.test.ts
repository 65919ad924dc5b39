import { setImmediate } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { collectingYoung } from './collect-young.js';

const MIB = 1024 * 1024;
const PIECE = 64 * 1024;

/** How much waited at most to be collected while so much was read. */
async function mostWaiting(bytes: number, read: (bytes: number) => void): Promise<number> {
  const before = process.memoryUsage().arrayBuffers;
  let most = 0;
  for (let at = 0; at < bytes; at += PIECE) {
    read(Buffer.allocUnsafeSlow(PIECE).length);
    await setImmediate();
    most = Math.max(most, process.memoryUsage().arrayBuffers - before);
  }
  return most;
}

it('pieces that nobody holds any more do not wait until 64 MB of them are there', async () => {
  expect(await mostWaiting(256 * MIB, collectingYoung())).toBeLessThan(24 * MIB);
});
