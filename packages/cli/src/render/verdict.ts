import { REASONS, type Statement } from '@muster/core';
import { MARKS } from '../terminal/marks.js';
import { printable } from '../terminal/printable.js';
import type { Style } from '../terminal/style.js';

type Predicate = Statement['predicate'];
type Judged = Pick<Predicate, 'result' | 'reason'> &
  Partial<Pick<Predicate, 'restore_point'>> & {
    readonly environment?: Pick<Predicate['environment'], 'substitute' | 'engine_version'>;
  };

/** `PASS`, `PASS (by a stand-in: FerretDB 2.7.0)`, or `FAIL  check_failed` with what happened and what to do now. */
export function verdictLines(predicate: Judged, message: string | undefined, style: Style): string[] {
  const { mark, paint } = MARKS[predicate.result];
  const verdict = style.bold(style[paint](`${mark} ${predicate.result.toUpperCase()}`));
  const head = [verdict, ...standIn(predicate)].join(' ');
  const { reason } = predicate;
  if (reason === undefined) return [head];
  const told = message ?? noSuchBackup(predicate) ?? sentence(REASONS[reason].meaning);
  return [`${head}  ${reason}`, ...told.split('\n').map((line) => `  ${printable(line)}`)];
}

/** It is no pass of the source, and an auditor who requires one refuses it. */
function standIn({ environment }: Judged): string[] {
  if (environment?.substitute === undefined) return [];
  return [`(by a stand-in: ${printable(environment.engine_version ?? 'of a name not known')})`];
}

/** Of a receipt that says how many there were to choose from: an id may just have been mistyped. */
function noSuchBackup({ reason, restore_point: point }: Judged): string | undefined {
  if (reason !== 'no_backup' || point?.listed === undefined) return undefined;
  const id = point.kind === 'id' ? `of the id ${JSON.stringify(point.asked)} ` : '';
  const listed = point.listed === 1 ? '1 backup was' : `${point.listed} backups were`;
  return `No backup ${id}is where the source keeps them: ${listed} listed there.`;
}

const sentence = (text: string): string => `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;
