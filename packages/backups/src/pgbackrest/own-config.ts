import { readFile } from 'node:fs/promises';
import { errnoOf, MusterError } from '@muster/core';
import type { RepositoryPlace } from './pgbackrest-repository.js';

/** Where pgBackRest looks without a word of its configuration. */
const DEFAULT_PATH = '/var/lib/pgbackrest';

/**
 * Reads from a `pgbackrest.conf` where its repository is: `repo1-path`, `repo1-cipher-type`, `repo1-cipher-pass`, of the
 * stanza's own section before `[global]`. Nothing else in it counts here.
 * @throws `backup_unreadable`, also for a repository that is no directory.
 */
export async function readOwnConfig(path: string, stanza: string): Promise<RepositoryPlace> {
  const settings = settingsOf(await textOf(path), stanza);
  const type = settings.get('repo1-type') ?? 'posix';
  if (type !== 'posix' && type !== 'cifs') {
    throw new MusterError(
      'backup_unreadable',
      `The repository in ${path} is of the type ${JSON.stringify(type)}: Muster reads repositories that are directories (posix).`,
    );
  }
  if (settings.has('repo1-host')) {
    throw new MusterError(
      'backup_unreadable',
      `The repository in ${path} is on another host (repo1-host): run Muster there, or share its directory.`,
    );
  }
  const cipher = settings.get('repo1-cipher-type') ?? 'none';
  const passphrase = cipher === 'none' ? undefined : settings.get('repo1-cipher-pass');
  return {
    path: settings.get('repo1-path') ?? DEFAULT_PATH,
    ...(passphrase !== undefined && { passphrase }),
  };
}

async function textOf(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
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
    if (key !== undefined && value !== undefined) section.set(key.replace(/^repo-/, 'repo1-'), value);
  }
  return new Map([...(sections.get('global') ?? []), ...(sections.get(stanza) ?? [])]);
}
