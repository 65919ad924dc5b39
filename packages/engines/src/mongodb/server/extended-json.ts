import { extendedJsonFault } from '@muster/core';
import { EJSON, Long } from 'bson';

/** What a question says that cannot be BSON. The message quotes the question, so it is for its author alone. */
export class NotBson extends Error {}

/** Wrappers of one key. */
const WRAPPERS: ReadonlySet<unknown> = new Set([
  ...['$oid', '$date', '$numberInt', '$numberLong', '$numberDouble', '$numberDecimal', '$binary', '$uuid'],
  ...['$regularExpression', '$timestamp', '$symbol', '$minKey', '$maxKey'],
]);

/**
 * What a question's YAML says, as values that the driver writes as BSON: mappings stay ordered Maps (a JavaScript object
 * would reorder integer-like keys), Extended JSON v2 becomes the type that it names, and whole numbers never become
 * doubles. https://github.com/mongodb/specifications/blob/master/source/extended-json/extended-json.md
 * @throws {NotBson}
 */
export function toBson(value: unknown): unknown {
  if (typeof value === 'number' && Number.isSafeInteger(value) && !isInt32(value))
    return Long.fromNumber(value);
  if (Array.isArray(value)) return value.map(toBson);
  if (!(value instanceof Map)) return value;
  const [first, ...others] = value.keys();
  if (others.length === 0 && typeof first === 'string' && WRAPPERS.has(first))
    return unwrap(first, value.get(first));
  return new Map([...value].map(([key, inner]) => [String(key), toBson(inner)]));
}

const isInt32 = (value: number) => value === (value | 0);

function unwrap(name: string, inner: unknown): unknown {
  const content = typeof inner === 'number' && name.startsWith('$number') ? String(inner) : plain(inner);
  const refuse = (cause?: unknown) => new NotBson(`${name} cannot be ${JSON.stringify(content)}.`, { cause });
  if (extendedJsonFault(name, inner) !== undefined) throw refuse();
  try {
    const { value } = EJSON.deserialize({ value: { [name]: content } }, { relaxed: false });
    const known = value instanceof Date ? !Number.isNaN(value.getTime()) : '_bsontype' in value;
    if (!known) throw refuse();
    return value;
  } catch (error) {
    throw error instanceof NotBson ? error : refuse(error);
  }
}

/** What stands within a wrapper has fixed keys, whose order has no meaning. */
function plain(value: unknown): unknown {
  return value instanceof Map
    ? Object.fromEntries([...value].map(([key, inner]) => [key, plain(inner)]))
    : value;
}
