import { EventEmitter } from 'node:events';
import { expect, it } from 'vitest';
import { interruptible } from './interruption.js';

class FakeProcess extends EventEmitter {
  left: number | undefined;
  exit(code: number): never {
    this.left = code;
    return undefined as never;
  }
}

const untilAborted = (signal: AbortSignal): Promise<string> =>
  new Promise((resolve) => signal.addEventListener('abort', () => resolve('released')));

it.each(['SIGINT', 'SIGTERM', 'SIGHUP', 'disconnect'])(
  '%s lets the work release what it holds',
  async (stop) => {
    const process = new FakeProcess();
    let told = 0;
    const work = interruptible(process, () => (told += 1), untilAborted);
    process.emit(stop);
    expect(await work).toBe('released');
    expect({ told, left: process.left }).toEqual({ told: 1, left: undefined });
    expect(process.eventNames()).toEqual([]);
  },
);

it('a second Ctrl-C leaves at once', async () => {
  const process = new FakeProcess();
  const work = interruptible(process, () => {}, untilAborted);
  process.emit('SIGINT');
  process.emit('SIGINT');
  expect(process.left).toBe(130);
  await work;
});

it('work that fails leaves no listener behind', async () => {
  const process = new FakeProcess();
  await expect(
    interruptible(
      process,
      () => {},
      () => Promise.reject(new Error('no')),
    ),
  ).rejects.toThrow('no');
  expect(process.eventNames()).toEqual([]);
});
