import type { RecoveryRecord } from '@muster/core';
import { printable } from '../terminal/printable.js';

const TARGETS = { latest: 'all WAL there is', immediate: 'to the end of the backup' } as const;

const PROOFS: Readonly<Record<RecoveryRecord['proof'], string>> = {
  both_sides: 'proven on both sides',
  one_side: 'proven on one side',
  unasserted: 'not proven: no commit was seen on either side',
};

/** `to 2026-11-21T16:43:36Z · last commit … · next commit … · proven on both sides`: how far the data goes, and what shows it. */
export function recoveryText(recovery: RecoveryRecord | undefined): string | undefined {
  if (recovery === undefined) return undefined;
  const { last_commit_before: last, first_commit_after: first, proof } = recovery;
  return printable(
    [
      targetText(recovery),
      last && `last commit ${last}`,
      first && `next commit ${first}`,
      stoppedText(recovery),
      PROOFS[proof],
    ]
      .filter(Boolean)
      .join(' · '),
  );
}

function targetText({ target: { kind, value } }: RecoveryRecord): string {
  if (kind === 'latest' || kind === 'immediate') return TARGETS[kind];
  return kind === 'time' ? `to ${value}` : `to ${kind} ${value}`;
}

/** Where the replay itself stopped. What it stopped at is what was asked for, so that it is not said twice. */
function stoppedText({ target, stopped }: RecoveryRecord): string | undefined {
  if (stopped === undefined) return undefined;
  const { side, end, at, lsn } = stopped;
  const where =
    target.kind === 'lsn' && lsn !== undefined
      ? `${side} ${lsn}`
      : `${side} ${end === undefined ? 'it' : `its ${end}`}`;
  return at === undefined ? `stopped ${where}` : `stopped ${where} at ${at}`;
}
