/**
 * A clock that stands still where the machine's own is set back, so that what a receipt tells stays in its order: else
 * `verify` would refuse it. `from`: what it shows at the least.
 */
export function neverBackwards(now: () => Date, from: Date): () => Date {
  let latest = from.getTime();
  return () => {
    latest = Math.max(latest, now().getTime());
    return new Date(latest);
  };
}
