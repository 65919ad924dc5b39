import { MusterError } from '@muster/core';

/** A source of which some may not be read: what would be left out of a dump. */
export const rightsMissing = (options: { readonly cause?: unknown; readonly output?: string }): MusterError =>
  new MusterError(
    'source_rights_missing',
    'The user of the connection URI may not read all of the source. The role read of the database is enough, readAnyDatabase where the URI names none. On its worker, `muster drill show ID --output` has the words of the source.',
    options,
  );

/** As mongodump passes the server's word on. */
const UNAUTHORIZED = /\(Unauthorized\)|not authorized on /;

export const deniedDump = ({ stderr }: { readonly stderr: string }): MusterError | undefined =>
  UNAUTHORIZED.test(stderr) ? rightsMissing({ output: stderr }) : undefined;
