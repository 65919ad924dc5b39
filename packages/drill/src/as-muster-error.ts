import { isMusterError, MusterError } from '@muster/core';

/** Anything thrown, as what a drill ends with. */
export function asMusterError(error: unknown): MusterError {
  if (isMusterError(error)) return error;
  const message =
    'Muster itself failed: run the drill again, and report it with what `muster drill show ID --output` prints.';
  return new MusterError('internal_error', message, { cause: error });
}
