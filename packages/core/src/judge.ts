import type { CheckRole, Expectation, Operator } from './check.js';
import { parseDecimal } from './decimal.js';
import { CHECK_REASONS, type CheckReason } from './reason.js';
import type { Answer, SummaryRow, SummaryValue } from './value.js';
import type { Verdict } from './verdict.js';

/** What one check came to. `message` is for people; it holds no value of the row and nothing that a server said. */
export interface Judgement {
  readonly verdict: Verdict;
  readonly reason?: CheckReason;
  readonly message: string;
}

/** Holds an answer against what its owner expects: the whole table of checks.md. */
export function judge(answer: Answer, expectation: Expectation): Judgement {
  switch (answer.kind) {
    case 'row':
      return judgeRow(answer.row, expectation);
    case 'no_rows':
      return because('no_rows', 'The query gave no row; a check needs exactly one.');
    case 'multiple_rows':
      return because('multiple_rows', 'The query gave more than one row; let it give exactly one.');
    case 'row_too_large':
      return because('row_too_large', 'The row is too large to be kept; select only what the check needs.');
    case 'timeout':
      return because('timeout', 'The query was over its time limit and was stopped.');
    case 'server_lost':
      return because('server_lost', 'The connection to the server was lost while it was asked.');
    case 'query_failed':
      return because(
        'query_failed',
        `The query failed${answer.code === undefined ? '' : ` (code ${answer.code})`}; muster check test shows what the server said.`,
      );
  }
}

/** What an answer is worth where the schedule says that the check must not hold yet: an error proves nothing. */
export function judgeRole(judgement: Judgement, role: CheckRole | undefined): Judgement {
  if (role !== 'absent' || judgement.verdict === 'error') return judgement;
  return judgement.verdict === 'pass'
    ? because('not_absent', 'It holds, and must not hold yet.')
    : { verdict: 'pass', message: 'It does not hold yet, as it must not.' };
}

function judgeRow(row: SummaryRow, expectation: Expectation): Judgement {
  const named = row.columns.filter(({ name }) => name === expectation.column);
  const [column, second] = named;
  if (column === undefined) {
    return because('unknown_column', `The row has no such column; it has ${listColumns(row)}.`);
  }
  if (second !== undefined) {
    return because(
      'ambiguous_column',
      'The row has the column that expect names more than once; give each a name.',
    );
  }
  return judgeValue(column.value, expectation);
}

function judgeValue(value: SummaryValue, { operator, literal }: Expectation): Judgement {
  const equality = operator === '==' || operator === '!=';
  if (literal.kind === 'null' && equality) return compared(operator, value.kind === 'null' ? 0 : undefined);
  if (value.kind === 'null') {
    return equality
      ? compared(operator, undefined)
      : because('null_value', `The value is null, which is never ${operator} a number.`);
  }
  if (value.kind === 'non_finite') {
    return because('non_finite', 'The value is NaN or infinite, which cannot be compared.');
  }
  if (value.kind === 'number' && literal.kind === 'number') {
    const left = parseDecimal(value.text);
    const right = parseDecimal(literal.text);
    if (left !== undefined && right !== undefined) return compared(operator, left.cmp(right));
  }
  if (equality && value.kind === 'string' && literal.kind === 'string') {
    return compared(operator, value.text === literal.text ? 0 : undefined);
  }
  if (equality && value.kind === 'boolean' && literal.kind === 'boolean') {
    return compared(operator, value.value === literal.value ? 0 : undefined);
  }
  const type = value.kind === 'other' ? value.type : value.kind;
  return because(
    'type_mismatch',
    `The value is of type ${type}, which cannot be compared with a ${literal.kind}; cast it in the query.`,
  );
}

/** @param order of value and literal; undefined where they are just not equal. */
function compared(operator: Operator, order: number | undefined): Judgement {
  const holds = {
    '==': order === 0,
    '!=': order !== 0,
    '<': order === -1,
    '<=': order === -1 || order === 0,
    '>': order === 1,
    '>=': order === 1 || order === 0,
  }[operator];
  return holds
    ? { verdict: 'pass', message: 'As expected.' }
    : because('expectation_not_met', 'The value is not what the check expects.');
}

function because(reason: CheckReason, message: string): Judgement {
  return { verdict: CHECK_REASONS[reason], reason, message };
}

const LISTED_COLUMNS = 20;
const LISTED_NAME_LENGTH = 63;

/** Column names come out of the backup: bounded and quoted, whatever they hold. */
function listColumns({ columns }: SummaryRow): string {
  if (columns.length === 0) return 'no columns at all';
  const names = columns.slice(0, LISTED_COLUMNS).map(({ name }) => {
    const short = name.length > LISTED_NAME_LENGTH ? `${name.slice(0, LISTED_NAME_LENGTH)}…` : name;
    return JSON.stringify(short.replace(/\p{C}/gu, '\u{fffd}'));
  });
  const rest = columns.length - names.length;
  return rest > 0 ? `${names.join(', ')} and ${rest} more` : names.join(', ');
}
