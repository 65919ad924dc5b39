import { type ErrorCode, isMusterError } from '@muster/core';

/** Why a take was told to stop: who aborts its signal may say it by the reason; else somebody cancelled it. */
export function whyStopped({ reason }: AbortSignal): { readonly code: ErrorCode; readonly words: string } {
  return isMusterError(reason)
    ? { code: reason.code, words: reason.message }
    : { code: 'cancelled', words: 'The take was cancelled.' };
}
