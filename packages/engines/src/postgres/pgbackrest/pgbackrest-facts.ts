import type { BackupFacts } from '../../engine.js';

/** What a pgBackRest repository says of one backup set, beyond the contract. */
export interface PgbackrestFacts extends BackupFacts {
  readonly pgbackrest: {
    /** The directory of its WAL under `archive/<stanza>`, e.g. `17-1`. */
    readonly archiveId: string;
    /** Names of the WAL segments that make it whole; absent for a backup that was taken while the server was down. */
    readonly wal?: { readonly start: string; readonly stop: string };
    /** Where in WAL it became whole, where that is known. */
    readonly stopLsn?: string;
    /** The set that it needs next: what it does not have itself lies there, or further back. */
    readonly prior?: string;
    /** Pages of the cluster did not fit their checksums when the set was made. */
    readonly hasPageErrors: boolean;
    /** Who owns the files of the repository, numbers of this machine. */
    readonly owner: { readonly uid: number; readonly gid: number };
  };
}

/** True for facts of a pgBackRest repository. */
export const isPgbackrestFacts = (facts: BackupFacts): facts is PgbackrestFacts => 'pgbackrest' in facts;
