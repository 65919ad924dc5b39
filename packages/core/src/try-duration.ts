import type { Predicate } from './statement.js';

/** How long the try took that came to the verdict, in ms; undefined where none came to an end. */
export function tryDurationMs({ attempts }: Pick<Predicate, 'attempts'>): number | undefined {
  const last = attempts.at(-1);
  return last?.ended_at === undefined ? undefined : Date.parse(last.ended_at) - Date.parse(last.started_at);
}
