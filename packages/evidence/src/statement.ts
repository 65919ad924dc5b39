import {
  type JsonValue,
  MusterError,
  REHEARSAL_TYPE,
  RESTORE_PREDICATE_TYPE,
  type RehearsalStatement,
  type RestoreStatement,
  rehearsalStatementSchema,
  restoreStatementSchema,
  type Statement,
  statementSchema,
} from '@muster/core';
import type { z } from 'zod';
import { parseCanonical } from './canonical-json.js';

/** Reads the payload of a receipt: a statement of our predicate type in its JCS form. @throws `evidence_malformed`. */
export function parseStatement(payload: Uint8Array): Statement {
  return checked(statementSchema.safeParse(parseCanonical(payload, 'The statement')));
}

/**
 * As {@link parseStatement}, for the record of a restore into a real server; undefined for any other statement.
 * @throws `evidence_malformed`.
 */
export function parseRestoreStatement(payload: Uint8Array): RestoreStatement | undefined {
  const value = parseCanonical(payload, 'The statement');
  return typeOf(value) === RESTORE_PREDICATE_TYPE
    ? checked(restoreStatementSchema.safeParse(value))
    : undefined;
}

/** As {@link parseStatement}, for that of a rehearsal; undefined for any other statement. @throws `evidence_malformed`. */
export function parseRehearsal(payload: Uint8Array): RehearsalStatement | undefined {
  const value = parseCanonical(payload, 'The statement');
  return typeOf(value) === REHEARSAL_TYPE ? checked(rehearsalStatementSchema.safeParse(value)) : undefined;
}

const typeOf = (value: JsonValue): JsonValue | undefined =>
  typeof value === 'object' && value !== null && 'predicateType' in value
    ? value['predicateType']
    : undefined;

function checked<T>(parsed: z.ZodSafeParseResult<T>): T {
  if (parsed.success) return parsed.data;
  const faults = parsed.error.issues.map(
    (issue) => `${issue.path.join('.') || 'statement'}: ${issue.message}`,
  );
  throw new MusterError('evidence_malformed', `The statement is not valid: ${faults.join('; ')}.`);
}
