import { DRILL_ID } from '@muster/core';
import type { EvidenceStore } from '@muster/evidence';

/** A drill as the evidence store names it. */
export interface Named {
  readonly slug: string;
  readonly drillId: string;
}

/** The drills that have a plan and no receipt: one pass over two sorted listings, of which nothing is kept. */
export async function* missingReceipts(
  store: EvidenceStore,
  signal: AbortSignal,
): AsyncGenerator<Named, void, undefined> {
  const plans = stems(store.list('plans/', signal), 'plans/', '.json');
  const receipts = stems(store.list('receipts/', signal), 'receipts/', '.sigstore.json');
  for await (const stem of notIn(plans, receipts)) {
    const [slug = '', , , , drillId = ''] = stem.split('/');
    if (DRILL_ID.test(drillId)) yield { slug, drillId };
  }
}

/** What of `some` is not in `others`; both ascend. */
export async function* notIn(
  some: AsyncIterable<string>,
  others: AsyncIterable<string>,
): AsyncGenerator<string, void, undefined> {
  const iterator = others[Symbol.asyncIterator]();
  try {
    let other = await iterator.next();
    for await (const one of some) {
      while (!other.done && other.value < one) other = await iterator.next();
      if (other.done || other.value !== one) yield one;
    }
  } finally {
    await iterator.return?.();
  }
}

/** `<slug>/<yyyy>/<mm>/<dd>/<drill id>`: ids are of one length, so what ends the key does not change the order. */
async function* stems(keys: AsyncIterable<string>, prefix: string, suffix: string) {
  for await (const key of keys) {
    if (key.endsWith(suffix)) yield key.slice(prefix.length, -suffix.length);
  }
}
