import { basename } from 'node:path/posix';
import { isDumpFile } from './directory-layout.js';

/** Written beside the files of collections, in the whole dump or in that of one database. */
const BESIDE = /^(?:prelude\.json|oplog\.bson)(?:\.gz)?$/;

/** {@link Engine.isDirectoryDump}: a dump lies in one directory for each database, or in that of just one. */
export const isDirectoryDump = (files: readonly string[]): boolean =>
  files.some((path) => isDumpFile(basename(path)) || BESIDE.test(basename(path)));

/** {@link Engine.isOneDatabase}: the files of collections lie directly in it, and in no directory of it. */
export const isOneDatabase = (files: readonly string[]): boolean => {
  const ofCollections = files.filter((path) => isDumpFile(basename(path)));
  return ofCollections.length > 0 && ofCollections.every((path) => !path.includes('/'));
};
