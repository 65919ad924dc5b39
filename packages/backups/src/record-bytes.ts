import {
  type BackupRecord,
  type FidelityManifest,
  fidelityManifestSchema,
  MOST_RECORD_BYTES,
  type Unavailable,
} from '@muster/core';

/**
 * A record as it lies beside its backup. It proves whose the backup is, so that it is always one that can be read: a manifest
 * that could not be is left out, and why is said in its place.
 */
export function recordBytes(record: BackupRecord, most = MOST_RECORD_BYTES): Buffer {
  const { fidelity } = record;
  if (fidelity === undefined) return textOf(record, 2);
  const without = (reason: Unavailable): Buffer =>
    textOf({ ...record, fidelity: emptied(fidelity, reason) }, 2);
  if (!fidelityManifestSchema.safeParse(fidelity).success) return without('malformed');
  const [spaced, dense] = [textOf(record, 2), textOf(record)];
  if (spaced.length <= most) return spaced;
  return dense.length <= most ? dense : without('too_many');
}

const textOf = (record: BackupRecord, space?: number): Buffer =>
  Buffer.from(`${JSON.stringify(record, null, space)}\n`);

const emptied = ({ level, version, major }: FidelityManifest, reason: Unavailable): FidelityManifest => ({
  ...{ level, version, major, databases: [] },
  unavailable: [{ what: 'databases', reason }],
});
