import { MusterError } from '@muster/core';
import picomatch from 'picomatch';

/** Never a backup, whatever the pattern says: still being written, hidden, or what Muster says of one. */
const NEVER = /^\.|\.(tmp|part|partial|crdownload|filepart|swp|muster\.json)$|~$/i;

/**
 * Beside backups by custom, and never one. Everything else that cannot be identified is listed all the same: to skip
 * a newest file because it is damaged would prove the wrong backup.
 */
const BESIDE_BACKUPS =
  /\.(sha256|sha256sum|sha512|sha1|md5|sum|asc|sig|minisig|log|txt|md|html?|json|ya?ml|toml|ini|conf|csv|sh|py|lock|pid|pem|key|pub)$|^(SHA256SUMS|MD5SUMS|README|LOCK)$/i;

/** Of names that are not those of backups: which may be for the whole cluster. */
export const namesBeside = (
  names: readonly string[],
  backups: readonly string[],
  isGlobalsName: (name: string) => boolean,
): readonly string[] => {
  const listed = new Set(backups);
  return names.filter(
    (name) => !listed.has(name) && isGlobalsName(name) && !NEVER.test(name) && !BESIDE_BACKUPS.test(name),
  );
};

/** Whether a name may be that of a backup. `match`: a glob; absent = what is not beside backups by custom. */
export function isBackupName(match: string | undefined): (name: string) => boolean {
  const wanted = match === undefined ? (name: string) => !BESIDE_BACKUPS.test(name) : picomatch(match);
  return (name) => !NEVER.test(name) && wanted(name);
}

/**
 * The names that may be backups, by {@link isBackupName}.
 * @throws `no_backup` where there are names, and the glob means none of them.
 */
export function namesOfBackups(
  names: readonly string[],
  match: string | undefined,
  location: string,
): readonly string[] {
  const wanted = names.filter(isBackupName(match));
  if (match === undefined || wanted.length > 0 || names.length === 0) return wanted;
  throw new MusterError(
    'no_backup',
    `Of the ${names.length} names in ${location} none is matched by ${JSON.stringify(match)}: look at whether backups are still written there, and correct backup.match of the source.`,
  );
}
