import {
  type RehearsalStatement,
  type RestoreStatement,
  rehearsalFaults,
  type Statement,
} from '@muster/core';
import type { Envelope } from './bundle.js';
import { parseRehearsal, parseRestoreStatement, parseStatement } from './statement.js';

/** What a step saw, in one line. */
export interface Taken<T> {
  readonly value: T;
  readonly detail: string;
}

/** Why a step does not stand. */
export class Refusal extends Error {}

type AnyStatement = Statement | RestoreStatement | RehearsalStatement;

export function readStatement(envelope: Envelope): Taken<AnyStatement> {
  return readRestore(envelope) ?? readRehearsal(envelope) ?? readDrill(envelope);
}

function readDrill({ payload }: Envelope): Taken<Statement> {
  const statement = parseStatement(payload);
  const { drill_id: drillId, companions = [] } = statement.predicate;
  const there = companions.map(({ to, sha256 }) => `; companion ${to}: ${sha256 ?? 'not read'}`);
  return { value: statement, detail: `${drillId}: ${statement.predicateType}${there.join('')}` };
}

/** Undefined for a receipt. */
function readRestore({ payload }: Envelope): Taken<RestoreStatement> | undefined {
  const record = parseRestoreStatement(payload);
  if (record === undefined) return undefined;
  const { restore_id: id, backup, target, result } = record.predicate;
  return {
    value: record,
    detail: `${id}: ${record.predicateType}, the record of a restore of ${backup.id} into ${target.database} at ${target.place}: ${result}`,
  };
}

function readRehearsal({ payload }: Envelope): Taken<RehearsalStatement> | undefined {
  const value = parseRehearsal(payload);
  return value && { value, detail: `${value.predicate.rehearsal_id}: ${value.predicateType}` };
}

export const isRehearsal = (statement: AnyStatement): statement is RehearsalStatement =>
  'rehearsal_id' in statement.predicate;

export function checkRehearsal(rehearsal: RehearsalStatement): Taken<void> {
  const faults = rehearsalFaults(rehearsal);
  if (faults.length > 0) throw new Refusal(faults.join('; '));
  return { value: undefined, detail: `its comparisons agree with the result ${rehearsal.predicate.result}` };
}

export function refuseRehearsal(): never {
  throw new Refusal(
    'This is a rehearsal, of a backup that is gone: it says nothing of any backup that is kept.',
  );
}

export const isRestore = (statement: Statement | RestoreStatement): statement is RestoreStatement =>
  'restore_id' in statement.predicate;

export function checkRestorePass({ predicate: { result, reason } }: RestoreStatement): Taken<void> {
  if (result === 'pass') return { value: undefined, detail: 'the result is pass' };
  throw new Refusal(`The record is authentic, and the result is ${result}${reason ? ` (${reason})` : ''}.`);
}
