import {
  MusterError,
  RESTORE_PREDICATE_TYPE,
  type RestoreStatement,
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
  const type =
    typeof value === 'object' &&
    value !== null &&
    'predicateType' in value &&
    (value as { readonly predicateType: unknown }).predicateType;
  return type === RESTORE_PREDICATE_TYPE ? checked(restoreStatementSchema.safeParse(value)) : undefined;
}

function checked<T>(parsed: z.ZodSafeParseResult<T>): T {
  if (parsed.success) return parsed.data;
  const faults = parsed.error.issues.map(
    (issue) => `${issue.path.join('.') || 'statement'}: ${issue.message}`,
  );
  throw new MusterError('evidence_malformed', `The statement is not valid: ${faults.join('; ')}.`);
}
