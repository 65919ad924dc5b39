import type { Predicate } from '@muster/core';
import { printable } from '../terminal/printable.js';

/** Who or what asked for a drill: `schedule nightly`, `api (ci)`, where `ci` is the name of a token. */
export function askedBy({ kind, schedule, requested_by: who }: Predicate['trigger']): string {
  return printable([kind, schedule, who && `(${who})`].filter(Boolean).join(' '));
}
