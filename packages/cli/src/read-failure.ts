import { errnoOf } from '@muster/core';

const FAILURES: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file',
  EACCES: 'this user may not read it',
  EPERM: 'this user may not read it',
  EISDIR: 'it is a directory',
};

/** Why a file could not be read, in words, as the end of a sentence. */
export function readFailure(cause: unknown): string {
  const code = errnoOf(cause) ?? 'for an unknown reason';
  return FAILURES[code] ?? `the operating system answered ${code}`;
}
