import { errnoOf, isMusterError, MusterError } from '@muster/core';
import { Refusal } from '../problem.js';

/** What went wrong in Bull Board, in the words of the API. */
export function boardFault(error: unknown): unknown {
  if (isMusterError(error) || error instanceof Refusal || !(error instanceof Error)) return error;
  const code = 'code' in error ? error.code : undefined;
  if (code === 'FST_ERR_HANDLER_TIMEOUT' || isOfRedis(error)) {
    return new MusterError('redis_unavailable', 'Redis did not answer the board.', { cause: error });
  }
  // BullMQ's scripts refuse with a negative number: the job is gone, or no longer in the state that was seen.
  if (typeof code === 'number') {
    return new Refusal(
      409,
      'not_possible',
      'The job is not in the state any more that this needs: look again.',
    );
  }
  if (error instanceof URIError)
    return new Refusal(400, 'invalid_request', 'A name in this address is malformed.');
  return error;
}

const isOfRedis = (error: Error): boolean =>
  error.name === 'ReplyError' ||
  error.name === 'MaxRetriesPerRequestError' ||
  /^E[A-Z]+$/.test(errnoOf(error) ?? '') ||
  /^(Command timed out|Connection is closed)/.test(error.message);
