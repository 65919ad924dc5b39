import { errnoOf, isMusterError, MusterError } from '@muster/core';
import { readBeginning } from '@muster/engines';
import type { RepositoryPlace, S3RepositoryPlace } from './repository-place.js';

/** Where pgBackRest looks without a word of its configuration. */
const DEFAULT_PATH = '/var/lib/pgbackrest';

/**
 * Reads from a `pgbackrest.conf` where its repository is: `repo1-type`, `repo1-path`, `repo1-cipher-*` and `repo1-s3-*`, of
 * the stanza's own section before `[global]`. Nothing else in it counts here.
 * @throws `backup_unreadable`, also for a repository that is neither a directory nor in S3.
 */
export async function readOwnConfig(
  file: string,
  stanza: string,
  signal: AbortSignal,
): Promise<RepositoryPlace> {
  const settings = settingsOf(await textOf(file, signal), stanza);
  const type = settings.get('repo1-type') ?? 'posix';
  if (settings.has('repo1-host')) {
    throw new MusterError(
      'backup_unreadable',
      `The repository in ${file} is on another host (repo1-host): run Muster there, or share its directory.`,
    );
  }
  const cipher = settings.get('repo1-cipher-type') ?? 'none';
  const passphrase = cipher === 'none' ? undefined : settings.get('repo1-cipher-pass');
  const opening = passphrase === undefined ? {} : { passphrase };
  const path = settings.get('repo1-path') ?? DEFAULT_PATH;
  if (type === 'posix' || type === 'cifs') return { type: 'directory', path, ...opening };
  if (type === 's3') return { ...s3Of(settings, path, file), ...opening };
  throw new MusterError(
    'backup_unreadable',
    `The repository in ${file} is of the type ${JSON.stringify(type)}: Muster reads repositories that are directories (posix) or in S3.`,
  );
}

/**
 * The data directory that a `pgbackrest.conf` says its stanza is of, where that is one of this machine (`pg1-path` without
 * `pg1-host`). @throws `backup_unreadable`
 */
export async function ownDataDirectory(
  file: string,
  stanza: string,
  signal: AbortSignal,
): Promise<string | undefined> {
  const settings = settingsOf(await textOf(file, signal), stanza);
  return settings.has('pg1-host') ? undefined : settings.get('pg1-path');
}

/** The keys are read here, and live no longer than what is made of them. */
function s3Of(settings: ReadonlyMap<string, string>, path: string, file: string): S3RepositoryPlace {
  const required = (key: string): string => {
    const value = settings.get(key);
    if (value !== undefined && value !== '') return value;
    throw new MusterError(
      'backup_unreadable',
      `${key} is missing in ${file}: it says where the repository is.`,
    );
  };
  const accessKeyId = settings.get('repo1-s3-key');
  const secretAccessKey = settings.get('repo1-s3-key-secret');
  const sessionToken = settings.get('repo1-s3-token');
  return {
    type: 's3',
    bucket: required('repo1-s3-bucket'),
    prefix: path.replace(/^\/+|\/+$/g, ''),
    connection: {
      endpoint: endpointOf(
        settings.get('repo1-storage-host') ?? required('repo1-s3-endpoint'),
        settings.get('repo1-storage-port'),
      ),
      region: required('repo1-s3-region'),
      pathStyle: settings.get('repo1-s3-uri-style') === 'path',
      ...(accessKeyId !== undefined &&
        secretAccessKey !== undefined && {
          credentials: async () => ({
            accessKeyId,
            secretAccessKey,
            ...(sessionToken !== undefined && { sessionToken }),
          }),
        }),
    },
    called: {
      settings: {
        endpoint: 'repo1-s3-endpoint',
        region: 'repo1-s3-region',
        credentials: 'repo1-s3-key and repo1-s3-key-secret',
      },
      location: 'repo1-s3-bucket',
      permissions: 'docs/backups.md',
    },
  };
}

/** pgBackRest names a host, with a port or without, and speaks HTTPS to it. */
function endpointOf(host: string, port: string | undefined): string {
  const address = /^https?:\/\//.test(host) ? host : `https://${host}`;
  return port === undefined || /:\d+$/.test(address) ? address : `${address}:${port}`;
}

/** More than any configuration needs. */
const MOST_BYTES = 1024 * 1024;

async function textOf(path: string, signal: AbortSignal): Promise<string> {
  try {
    const bytes = await readBeginning(path, MOST_BYTES + 1, signal);
    if (bytes !== undefined && bytes.length <= MOST_BYTES) return bytes.toString('utf8');
    throw new MusterError(
      'backup_unreadable',
      `${path} is ${bytes === undefined ? 'no regular file' : 'far too long to be a pgbackrest.conf'}: set backup.config of the source to the pgbackrest.conf.`,
    );
  } catch (error) {
    signal.throwIfAborted();
    if (isMusterError(error)) throw error;
    throw new MusterError(
      'backup_unreadable',
      `${path} could not be read (${errnoOf(error) ?? 'unknown fault'}): set backup.config of the source to the pgbackrest.conf, and let the user that runs Muster read it.`,
      { cause: error },
    );
  }
}

function settingsOf(text: string, stanza: string): ReadonlyMap<string, string> {
  const sections = new Map<string, Map<string, string>>();
  let section = new Map<string, string>();
  for (const line of text.split(/\r?\n/).map((one) => one.trim())) {
    const heading = /^\[(.+)\]$/.exec(line)?.[1];
    if (heading !== undefined) {
      section = sections.get(heading) ?? new Map();
      sections.set(heading, section);
      continue;
    }
    const [, key, value] = /^([^#=\s][^=]*?)\s*=\s*(.*)$/.exec(line) ?? [];
    if (key !== undefined && value !== undefined) section.set(key.replace(/^(repo|pg)-/, '$11-'), value);
  }
  return new Map([...(sections.get('global') ?? []), ...(sections.get(stanza) ?? [])]);
}
