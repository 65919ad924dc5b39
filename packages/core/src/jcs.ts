import canonicalize from 'canonicalize';

/** What JSON can hold; a property that is `undefined` is left out. */
export type JsonValue =
  | string
  | number
  | boolean
  | null
  | readonly JsonValue[]
  | { readonly [key: string]: JsonValue | undefined };

/**
 * The JCS form (RFC 8785): equal values have equal text.
 * @throws TypeError for what JSON cannot hold: NaN, infinities, lone surrogates, circles.
 */
export function canonicalJson(value: JsonValue): string {
  try {
    const text = canonicalize(value);
    if (text !== undefined) return text;
  } catch (cause) {
    throw new TypeError('a value that JSON cannot hold', { cause });
  }
  throw new TypeError('a value that JSON cannot hold');
}

/** A finite number as JSON text that stays a floating-point number: no reader takes it for an integer beyond 2^53. */
export function jsonNumber(value: number): string {
  return Math.abs(value) > 2 ** 53 ? value.toExponential() : JSON.stringify(value);
}
