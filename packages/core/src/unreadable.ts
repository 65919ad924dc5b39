import { errnoOf } from './errno.js';
import { MusterError } from './error.js';

/** The `backup_unreadable` of what the user that runs Muster could not read. @param advice - more of what to do, with a comma before it. */
export const unreadable = (what: string, error: unknown, advice = ''): MusterError =>
  new MusterError(
    'backup_unreadable',
    `${what} could not be read (${errnoOf(error) ?? 'unknown fault'}): give the user that runs Muster the right to read it${advice}.`,
    { cause: error },
  );
