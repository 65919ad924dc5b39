import { EJSON, Long } from 'bson';

/** What a question says that cannot be BSON. The message quotes the question, so it is for its author alone. */
export class NotBson extends Error {}

/** Wrappers of one key, and what its text must look like, where the BSON library would take anything. */
const WRAPPERS: Readonly<Record<string, RegExp | undefined>> = {
  $oid: undefined,
  $date: undefined,
  $numberInt: /^-?\d+$/,
  $numberLong: /^-?\d+$/,
  $numberDouble: /^(?:[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?|-?Infinity|NaN)$/,
  $numberDecimal: undefined,
  $binary: undefined,
  $uuid: undefined,
  $regularExpression: undefined,
  $timestamp: undefined,
  $symbol: undefined,
  $minKey: undefined,
  $maxKey: undefined,
};

/** An integer that does not fit would be written as another one. */
const INTEGER_BITS: Readonly<Record<string, number | undefined>> = { $numberInt: 32, $numberLong: 64 };

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
  if (others.length === 0 && typeof first === 'string' && Object.hasOwn(WRAPPERS, first))
    return unwrap(first, value.get(first));
  return new Map([...value].map(([key, inner]) => [String(key), toBson(inner)]));
}

const isInt32 = (value: number) => value === (value | 0);

function unwrap(name: string, inner: unknown): unknown {
  const shape = WRAPPERS[name];
  const content = shape !== undefined && typeof inner === 'number' ? String(inner) : plain(inner);
  const refuse = (cause?: unknown) => new NotBson(`${name} cannot be ${JSON.stringify(content)}.`, { cause });
  if (shape !== undefined && !(typeof content === 'string' && shape.test(content))) throw refuse();
  const bits = INTEGER_BITS[name];
  if (bits !== undefined && BigInt.asIntN(bits, BigInt(String(content))) !== BigInt(String(content)))
    throw refuse();
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
