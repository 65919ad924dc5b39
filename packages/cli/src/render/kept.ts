import type { KeptFor, PrunedBackup } from '@muster/backups';
import type { Retain } from '@muster/core';

const WORDS: Readonly<Record<KeptFor, (retain: Retain, detail: string) => string>> = {
  writing: () => 'it is being written',
  not_musters: (_, detail) => `not Muster's: ${detail}`,
  future: () => 'it is dated in the future',
  newest: () => 'the newest',
  count: ({ count }) => `one of the newest ${count}`,
  days: ({ days }) => `of the last ${days} days`,
  passed: () => 'the newest that passed its drill',
  drill: (_, detail) => `${detail} may be reading it`,
  unproven: () => 'none that is here has passed a drill (--unproven)',
  newer: () => 'pgBackRest expires older ones first',
};

/** Why a backup is kept, in words; empty of one that is not. */
export const keptText = ({ why, detail = '' }: PrunedBackup, retain: Retain): string =>
  why === undefined ? '' : WORDS[why](retain, detail);
