import { MusterError, type Statement, statementSchema } from '@muster/core';
import { parseCanonical } from './canonical-json.js';

/** Reads the payload of a receipt: a statement of our predicate type in its JCS form. @throws `evidence_malformed`. */
export function parseStatement(payload: Uint8Array): Statement {
  const parsed = statementSchema.safeParse(parseCanonical(payload, 'The statement'));
  if (parsed.success) return parsed.data;
  const faults = parsed.error.issues.map(
    (issue) => `${issue.path.join('.') || 'statement'}: ${issue.message}`,
  );
  throw new MusterError('evidence_malformed', `The statement is not valid: ${faults.join('; ')}.`);
}
