import type { Predicate } from './statement.js';

/** Of the last try of a phase: a scratch may be launched twice. */
export function lastOutcome(phases: Predicate['phases'], name: Predicate['phases'][number]['name']) {
  return phases.findLast((phase) => phase.name === name)?.outcome;
}
