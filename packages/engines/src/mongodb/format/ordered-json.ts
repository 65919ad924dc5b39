import { Double, EJSON, Int32, Long } from 'bson';

/** A document with its keys in the order in which they stand, which an object of JavaScript does not keep for numbers. */
export type OrderedDocument = ReadonlyMap<string, unknown>;

/** The keys by which MongoDB Extended JSON (v1 and v2) says that an object is a value. */
const VALUE_KEYS = new Set([
  ...['$binary', '$code', '$date', '$dbPointer', '$maxKey', '$minKey', '$numberDecimal', '$numberDouble'],
  ...[
    '$numberInt',
    '$numberLong',
    '$oid',
    '$regularExpression',
    '$symbol',
    '$timestamp',
    '$undefined',
    '$uuid',
  ],
]);

/** Stands before every key while it is parsed, so that none looks like a number, or is `__proto__`. */
const MARK = '=';
const STRING_MAYBE_KEY = /("[^"\\]*(?:\\.[^"\\]*)*")(\s*:)?/g;

/** Extended JSON with nothing lost: documents as ordered maps, numbers as BSON types. @throws SyntaxError, BSONError. */
export function parseOrdered(text: string): unknown {
  // What follows is for JSON alone: from every quote on it would look for the end of a string that has none.
  JSON.parse(text);
  const marked = text.replace(STRING_MAYBE_KEY, (found, string: string, colon: string | undefined) =>
    colon === undefined ? found : `"${MARK}${string.slice(1)}${colon}`,
  );
  return ordered(JSON.parse(marked));
}

function ordered(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(ordered);
  if (typeof value === 'number') return numberOf(value);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).map(([key, inner]) => [key.slice(MARK.length), inner] as const);
  const first = entries[0]?.[0] ?? '';
  if (VALUE_KEYS.has(first)) return EJSON.deserialize(plain(value), { relaxed: false });
  return new Map(entries.map(([key, inner]) => [key, ordered(inner)]));
}

/** The same without marks, for an object that is a value. */
function plain(value: object): object {
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => [
      key.slice(MARK.length),
      typeof inner === 'object' && inner !== null && !Array.isArray(inner) ? plain(inner) : inner,
    ]),
  );
}

const numberOf = (value: number): Int32 | Long | Double => {
  if (!Number.isSafeInteger(value) || Object.is(value, -0)) return new Double(value);
  return value === (value | 0) ? new Int32(value) : Long.fromNumber(value);
};
