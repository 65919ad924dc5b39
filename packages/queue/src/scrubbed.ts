import { isMusterError } from '@muster/core';

/** What is told of an error that is not one of Muster's own. */
export const COMES_AGAIN = 'it failed, and is to come again';

/**
 * BullMQ keeps the message and stack of what a job threw, in Redis, for whoever looks at the queue: it gets a code and no
 * more. `onError` is told the error itself.
 */
export async function scrubbed<T>(work: Promise<T>, onError: (error: Error) => void): Promise<T> {
  try {
    return await work;
  } catch (error) {
    onError(error instanceof Error ? error : new Error('something was thrown that is no error'));
    const told = new Error(isMusterError(error) ? error.code : COMES_AGAIN);
    told.stack = told.message;
    throw told;
  }
}
