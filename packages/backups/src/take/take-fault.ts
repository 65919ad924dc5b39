import { type ErrorCode, isEvidence, isMusterError, MusterError } from '@muster/core';

/** What the reasons of a live dump mean to a take, in its own words where those speak of a drill. */
const WORDS: Readonly<Partial<Record<ErrorCode, string>>> = {
  dump_failed: 'The dump of the source did not finish, and no backup was left of it. The diagnosis says why.',
  source_rights_missing:
    'The user of the connection URI may not read all of the source, so that a backup would not be whole (large objects have rights of their own). The diagnosis names what; let that user read it.',
};

/**
 * An error as a take ends with it; what tools printed goes to `onOutput`. A dump that is damaged when it comes is no
 * evidence against a backup, for there is none.
 */
export function takeFault(error: unknown, onOutput: (text: string) => void): unknown {
  if (!isMusterError(error)) return error;
  const { code, output } = error;
  if (output !== undefined) onOutput(output.endsWith('\n') ? output : `${output}\n`);
  if (isEvidence(error)) {
    return new MusterError(
      'dump_failed',
      `What the dump of the source wrote is damaged or cut (${code}), and no backup was left of it: take it again, and look at the tool that dumps.`,
      { cause: error },
    );
  }
  const words = output === undefined ? undefined : WORDS[code];
  return words === undefined ? error : new MusterError(code, words, { cause: error });
}
