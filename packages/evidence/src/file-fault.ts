import { errnoOf } from '@muster/core';

/** What is wrong with a path that could not be written or read, and what to do, as the end of a sentence. */
export function adviceFor(error: unknown): string {
  const code = errnoOf(error);
  if (code === undefined) return 'it failed for an unknown reason';
  if (isLink(error) && NO_HARD_LINKS.has(code)) {
    return `its file system has no hard links (${code}), without which nothing can be written once: choose another place`;
  }
  return ADVICE[code] ?? `the operating system answered ${code}: see to it, or choose another place`;
}

const isLink = (error: unknown): boolean =>
  error instanceof Error && 'syscall' in error && error.syscall === 'link';

const NO_HARD_LINKS: ReadonlySet<string> = new Set(['EPERM', 'ENOSYS', 'ENOTSUP', 'EOPNOTSUPP']);

const NOT_ALLOWED = 'this user has no permission: give it to them (chown, chmod), or choose another place';
const NO_SPACE = 'no space is left there: free some, or choose another place';
const NOT_A_DIRECTORY = 'a file is in the way, where a directory is needed: move it, or choose another place';

const ADVICE: Readonly<Record<string, string>> = {
  EACCES: NOT_ALLOWED,
  EPERM: NOT_ALLOWED,
  EROFS: 'it is mounted read-only: mount it for writing, or choose another place',
  ENOSPC: NO_SPACE,
  EDQUOT: NO_SPACE,
  EFBIG: 'a file of that size is not allowed there: raise the limit (ulimit -f), or choose another place',
  ENOTDIR: NOT_A_DIRECTORY,
  EEXIST: NOT_A_DIRECTORY,
  EISDIR: 'a directory is in the way, where a file is needed: move it, or choose another place',
  ENOENT: 'it does not exist: check the path',
  ENAMETOOLONG: 'the path is too long: choose a shorter one',
};
