import { MusterError } from '@muster/core';

const ADVICE: Readonly<Record<string, string>> = {
  '28P01': 'the password was refused: correct it in index.url',
  '28000': 'the user was refused: correct it in index.url, or pg_hba.conf',
  '3D000': 'there is no such database: create it, or correct index.url',
  '42501': 'the user may not do this: let it create schemas in the database',
  '53300': 'the server takes no more connections: raise max_connections',
  '55P03': 'another rebuild is under way: wait until it has ended',
  '57014': 'it took longer than 30 s: look what the server is busy with',
  ENOENT: 'there is no such socket or host: start the server, or correct index.url',
  ENOTFOUND: 'there is no such host: correct index.url',
  ECONNREFUSED: 'nothing listens there: start the server, or correct index.url',
};

/**
 * Any failure of the database as `index_unavailable`. The driver's own error is left out, `cause` included: it may hold
 * the connection string or values of a row.
 */
export function indexFault(error: unknown, location: string): MusterError {
  if (error instanceof MusterError) return error;
  const code = codeOf(error);
  const known = code === undefined ? undefined : ADVICE[code];
  const named = code === undefined ? '' : ` (${code})`;
  const why = known ?? 'it did not answer as expected: see whether it runs, and its own log';
  return new MusterError('index_unavailable', `The index ${location} cannot be used${named}: ${why}.`);
}

function codeOf(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null || !('code' in error)) return undefined;
  const { code } = error;
  return typeof code === 'string' && /^[A-Z0-9_]{1,32}$/.test(code) ? code : undefined;
}
