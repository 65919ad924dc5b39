/** What stands in a wrapper of Extended JSON. */
interface Wrapped {
  readonly fits: (content: unknown) => boolean;
  /** For whoever wrote something else. */
  readonly like: string;
}

const textOf = (shape: RegExp) => (content: unknown) => typeof content === 'string' && shape.test(content);

/** An integer that does not fit would be written as another one. */
const integerOf = (bits: number) => (content: unknown) => {
  const text = String(content);
  return isPlain(content) && /^-?\d+$/.test(text) && BigInt.asIntN(bits, BigInt(text)) === BigInt(text);
};

const isPlain = (content: unknown): boolean => typeof content === 'string' || typeof content === 'number';

const DOUBLE = /^(?:[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?|-?Infinity|NaN)$/;
const DECIMAL = /^[+-]?(?:(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?|inf(?:inity)?|nan)$/i;
/** Without its zone a time would be that of wherever the check is asked. */
const TIME = /^\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d(?::?\d\d)?))?$/i;

function isDate(content: unknown): boolean {
  if (typeof content === 'string') return TIME.test(content) && !Number.isNaN(Date.parse(content));
  if (typeof content === 'number') return !Number.isNaN(new Date(content).getTime());
  // { $numberLong: … }, in milliseconds.
  return typeof content === 'object' && content !== null && !Array.isArray(content);
}

const WRAPPERS: Readonly<Record<string, Wrapped>> = {
  $oid: { fits: textOf(/^[0-9a-f]{24}$/i), like: '24 hexadecimal digits in quotes' },
  $date: { fits: isDate, like: 'a time with its zone, such as "2026-11-20T03:00:00Z"' },
  $numberInt: { fits: integerOf(32), like: 'a whole number of 32 bits in quotes' },
  $numberLong: { fits: integerOf(64), like: 'a whole number of 64 bits in quotes' },
  $numberDouble: {
    fits: (content) => isPlain(content) && DOUBLE.test(String(content)),
    like: 'a number in quotes',
  },
  $numberDecimal: { fits: textOf(DECIMAL), like: 'a decimal number in quotes' },
  $uuid: {
    fits: textOf(/^[0-9a-f]{8}(-?)(?:[0-9a-f]{4}\1){3}[0-9a-f]{12}$/i),
    like: 'a UUID in quotes',
  },
};

/**
 * What has to stand in a wrapper of Extended JSON v2 whose content is a single value, where `content` is not that, and the
 * BSON library might make anything of it. `content`: a string, a number, a boolean, null, or any object for a mapping.
 * https://github.com/mongodb/specifications/blob/master/source/extended-json/extended-json.md
 * @returns undefined where it fits, or the wrapper is another.
 */
export function extendedJsonFault(wrapper: string, content: unknown): string | undefined {
  const wrapped = Object.hasOwn(WRAPPERS, wrapper) ? WRAPPERS[wrapper] : undefined;
  return wrapped === undefined || wrapped.fits(content) ? undefined : wrapped.like;
}
