import { MusterError } from '@muster/core';
import { parseConnectionUri } from '@muster/engines';
import type { RepositoryPlace, S3RepositoryPlace } from '../repository-place.js';

/** The running server whose files are backed up. */
export interface ToolServer {
  readonly dataDirectory: string;
  /** How it is connected to, asked when it is. Absent = by what libpq takes for granted. @throws `secret_unavailable` */
  readonly connection?: () => Promise<string>;
}

/** Options of pgBackRest by their names in a `pgbackrest.conf`. */
export type ToolSettings = Readonly<Record<string, string>>;

/** What a `pgbackrest.conf` would say of a repository. @throws `take_unwritable`, what the credentials throw. */
export async function repositorySettings(
  place: RepositoryPlace,
  caFile: string | undefined,
): Promise<ToolSettings> {
  const { passphrase } = place;
  return {
    ...(place.type === 'directory' ? { 'repo1-path': place.path } : await s3Settings(place, caFile)),
    ...(passphrase !== undefined && {
      'repo1-cipher-type': 'aes-256-cbc',
      'repo1-cipher-pass': passphrase,
    }),
  };
}

async function s3Settings(
  { bucket, prefix, connection }: S3RepositoryPlace,
  caFile: string | undefined,
): Promise<ToolSettings> {
  const region = connection.region ?? 'us-east-1';
  const endpoint = connection.endpoint ?? `https://s3.${region}.amazonaws.com`;
  if (!endpoint.startsWith('https://')) {
    throw new MusterError(
      'take_unwritable',
      'pgBackRest speaks to S3 by HTTPS alone: the endpoint of the repository must begin with https://.',
    );
  }
  const keys = await connection.credentials?.();
  return {
    'repo1-type': 's3',
    'repo1-path': `/${prefix}`,
    'repo1-s3-bucket': bucket,
    'repo1-s3-region': region,
    'repo1-s3-endpoint': endpoint.slice('https://'.length).replace(/\/+$/, ''),
    'repo1-s3-uri-style': (connection.pathStyle ?? connection.endpoint !== undefined) ? 'path' : 'host',
    ...(keys === undefined
      ? { 'repo1-s3-key-type': 'auto' }
      : {
          'repo1-s3-key': keys.accessKeyId,
          'repo1-s3-key-secret': keys.secretAccessKey,
          ...(keys.sessionToken !== undefined && { 'repo1-s3-token': keys.sessionToken }),
        }),
    ...(caFile !== undefined && { 'repo1-storage-ca-file': caFile }),
  };
}

/** What it would say of the server, and what of libpq's environment has to be beside it. */
export async function serverSettings({ dataDirectory, connection }: ToolServer): Promise<{
  readonly settings: ToolSettings;
  readonly libpq: Readonly<Record<string, string>>;
}> {
  const settings = { 'pg1-path': dataDirectory };
  if (connection === undefined) return { settings, libpq: {} };
  const { hosts, user, password, database } = parseConnectionUri(await connection());
  const [first] = hosts;
  return {
    settings: {
      ...settings,
      'pg1-user': user,
      'pg1-database': database,
      ...(first && { 'pg1-port': String(first.port) }),
      // A server whose files are here is reached by its socket, whatever host it is called elsewhere.
      ...(first?.host.startsWith('/') && { 'pg1-socket-path': first.host }),
    },
    libpq: password === undefined ? {} : { PGPASSWORD: password },
  };
}

/** pgBackRest takes each of its options from the environment, too, where no process list shows it. */
export const asEnvironment = (settings: ToolSettings): Record<string, string> =>
  Object.fromEntries(
    Object.entries(settings).map(([name, value]) => [
      `PGBACKREST_${name.toUpperCase().replaceAll('-', '_')}`,
      value,
    ]),
  );

/** What pgBackRest takes on no command line. */
const SECRETS: ReadonlySet<string> = new Set([
  'repo1-cipher-pass',
  'repo1-s3-key',
  'repo1-s3-key-secret',
  'repo1-s3-token',
]);

/** Passes through a shell in double quotes, and through a configuration of PostgreSQL in single ones. */
const PLAIN = /^[\w@%+=:,./~ -]*$/;

/** How a server that recovers gets its WAL, by itself and long after whoever restored its files. */
export interface WalCommand {
  /** As its `restore_command` has it: without a secret. */
  readonly command: string;
  /** Names of what it must find in its environment, or in the `pgbackrest.conf` of its machine. */
  readonly secrets: readonly string[];
}

/** @throws `usage` for names that no quoting brings through. */
export function walCommand(stanza: string, dataDirectory: string, settings: ToolSettings): WalCommand {
  const known = {
    'pg1-path': dataDirectory,
    'repo1-cipher-type': 'none',
    'repo1-type': 'posix',
    ...settings,
  };
  const secrets = Object.keys(known).filter((name) => SECRETS.has(name));
  const options = Object.entries(known).filter(([name]) => !SECRETS.has(name));
  const odd = [['stanza', stanza], ...options].find(([, value = '']) => !PLAIN.test(value));
  if (odd !== undefined)
    throw new MusterError(
      'usage',
      `The server that recovers would have to be told ${odd[0]}, and ${JSON.stringify(odd[1])} has characters that no restore_command takes. Name its own pgbackrest.conf with backup.config of the source.`,
    );
  const told = options.map(([name, value]) => `"--${name}=${value.replaceAll('%', '%%')}"`);
  // Where nothing is secret, nothing of the machine has a say in it.
  const own = secrets.length === 0 ? ['--no-config'] : [];
  return {
    command: ['pgbackrest', ...own, `--stanza=${stanza}`, ...told, 'archive-get %f "%p"'].join(' '),
    secrets,
  };
}
