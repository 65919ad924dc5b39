import type { Verification, VerifyStepName } from '@muster/evidence';
import { MARKS } from '../terminal/marks.js';
import type { Output } from '../terminal/output.js';
import { padEnd, printable } from '../terminal/printable.js';
import { fidelityLines } from './fidelity.js';
import { recoveryText } from './recovery.js';

const STEPS: Readonly<Record<VerifyStepName, string>> = {
  envelope: 'envelope',
  payload_type: 'payload type',
  signature: 'signature',
  statement: 'statement',
  consistency: 'consistency',
  draw: 'random choice',
  artefact: 'artefact',
  config: 'configuration',
  pass: 'pass',
};
const WIDTH = Math.max(...Object.values(STEPS).map((step) => step.length));

/** The steps of one verification, each with its mark, and what they come to. */
export function verificationLines(
  path: string,
  verification: Verification,
  { style, quiet }: Pick<Output, 'style' | 'quiet'>,
): string[] {
  const { steps, exitCode, statement } = verification;
  const authentic = exitCode === 0;
  const { mark, paint } = MARKS[authentic ? 'pass' : 'fail'];
  const sum = authentic ? `authentic: ${subjectOf(verification)}` : SUMS[exitCode];
  const verdict = `${style.bold(style[paint](`${mark} ${sum}`))}`;
  if (quiet) return [`${printable(path)}  ${verdict}`];
  const recovery = recoveryText(statement?.predicate.recovery);
  return [
    style.bold(printable(path)),
    ...steps.map(({ name, outcome, detail }) => {
      const step = MARKS[outcome === 'ok' ? 'pass' : 'fail'];
      return `  ${style[step.paint](step.mark)} ${padEnd(STEPS[name], WIDTH)}  ${outcome === 'ok' ? style.dim(detail) : detail}`;
    }),
    ...(authentic && recovery !== undefined ? [`    ${padEnd('recovery', WIDTH)}  ${recovery}`] : []),
    ...(authentic ? fidelityLines(statement?.predicate.fidelity) : []).map(
      (line, index) => `    ${padEnd(index === 0 ? 'fidelity' : '', WIDTH)}  ${line}`,
    ),
    verdict,
  ];
}

/** What was verified, and how it ended: only a drill is named without saying what it is. */
function subjectOf({ statement, restore, rehearsal }: Verification): string | undefined {
  if (rehearsal)
    return `${rehearsal.predicate.rehearsal_id}, a rehearsal and no drill, result ${rehearsal.predicate.result}`;
  if (restore)
    return `${restore.predicate.restore_id}, a restore and no drill, result ${restore.predicate.result}`;
  return statement && `${statement.predicate.drill_id}, result ${statement.predicate.result}`;
}

const SUMS: Readonly<Record<Exclude<Verification['exitCode'], 0>, string>> = {
  1: 'not authentic: the signature does not verify',
  2: 'malformed: this is no receipt of Muster',
  3: 'inconsistent: what it says contradicts itself',
  5: 'authentic, but not of what it was held against',
  6: 'authentic, but not a pass',
};
