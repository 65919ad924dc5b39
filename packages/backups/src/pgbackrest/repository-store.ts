import { isMusterError } from '@muster/core';
import type { Artefact, PgbackrestFacts } from '@muster/engines';
import type { RemoteBackup } from '../repository.js';
import type { BackupSet } from './backup-info.js';
import type { InfoSource } from './info-source.js';

/** The files of one repository, wherever they are. */
export interface RepositoryStore {
  /** For people. */
  readonly name: string;
  /** Of a path in it, as a receipt has it. */
  readonly locationOf: (path: string) => string;
  /** A file and its copy: those that are there, in the order of pgBackRest. @throws the reasons of a drill. */
  readonly withCopy: (path: string, signal: AbortSignal) => Promise<readonly StoredInfo[]>;
  readonly artefactOf: (listed: ListedSet) => Artefact | RemoteBackup;
}

export interface StoredInfo extends Omit<InfoSource, 'passphrase'> {
  /** Whose files the restore will read. */
  readonly owner: Owner;
}

export type Owner = PgbackrestFacts['pgbackrest']['owner'];

/** A set, and what opens it. */
export interface ListedSet {
  readonly stanza: string;
  readonly set: BackupSet;
  readonly passphrase: string | undefined;
  /** An encrypted repository has one of its own for manifests. */
  readonly manifestPassphrase: string | undefined;
}

export const infoPath = (stanza: string): string => `backup/${stanza}/backup.info`;
export const setPath = ({ stanza, set }: Pick<ListedSet, 'stanza' | 'set'>): string =>
  `backup/${stanza}/${set.label}`;

/** What the first of them says that is not damaged, as pgBackRest does; undefined where there is none. @throws `corrupt` */
export async function readFirst<T extends object, Info>(
  infos: readonly Info[],
  read: (info: Info) => Promise<T>,
): Promise<T | undefined> {
  let fault: Error | undefined;
  for (const info of infos) {
    try {
      return await read(info);
    } catch (error) {
      if (!isMusterError(error, 'corrupt')) throw error;
      fault ??= error;
    }
  }
  if (fault !== undefined) throw fault;
  return undefined;
}
