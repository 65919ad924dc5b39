import type { PoolOutlook, Source } from '@muster/core';

/** Whoever asks is to have an answer within 10 s, this one or that there is none yet. */
const WAITING_MS = 8_000;
const LOOK_MS = 100;

/** What a worker answers, as soon as it does; undefined where it takes too long. */
export async function awaited<T>(answer: () => Promise<T | undefined>): Promise<T | undefined> {
  for (const limit = Date.now() + WAITING_MS; ; ) {
    const found = await answer();
    if (found !== undefined || Date.now() >= limit) return found;
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  }
}

export const isServed = ({ workers }: Pick<PoolOutlook, 'workers'>): boolean =>
  workers.some(({ state }) => state === 'ready');

/** @param here - what to do where the workers are. */
export const notServed = ({ pool }: Source, here: string): string =>
  `Only workers reach the backups, and none serves the pool ${pool} now: start one, or run ${here} where they are.`;

export const notYet = ({ pool }: Source): string =>
  `A worker of the pool ${pool} was asked to look at the backups, and has not answered yet: ask again in a minute.`;
