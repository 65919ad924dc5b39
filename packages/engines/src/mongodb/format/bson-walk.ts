/** The deepest that a server nests (BSONDepth::kDefaultMaxAllowableDepth is 200), with room. */
const MAX_DEPTH = 512;

/** How many bytes follow an element of a type whose length does not vary; undefined for the others. */
const FIXED: Readonly<Record<number, number>> = {
  1: 8, // double
  6: 0, // undefined
  7: 12, // ObjectId
  8: 1, // boolean
  9: 8, // date
  10: 0, // null
  16: 4, // int32
  17: 8, // timestamp
  18: 8, // int64
  19: 16, // decimal128
  127: 0, // max key
  255: 0, // min key
};

/**
 * True if the bytes are one well-formed BSON document (bsonspec.org 1.1): lengths, ends, and known types. What a value
 * says is not looked at.
 */
export function isBson(bytes: Buffer): boolean {
  return (
    bytes.length >= 5 &&
    bytes.readUInt32LE(0) === bytes.length &&
    endOf(bytes, 0, bytes.length, 0) === bytes.length
  );
}

/** Where the document at `start` ends; -1 where it is none, or reaches beyond `limit`. */
function endOf(bytes: Buffer, start: number, limit: number, depth: number): number {
  if (depth > MAX_DEPTH || limit - start < 5) return -1;
  const end = start + bytes.readUInt32LE(start);
  if (end > limit || end - start < 5 || bytes[end - 1] !== 0) return -1;
  let at = start + 4;
  while (at < end - 1) {
    const type = bytes[at] ?? 0;
    const name = bytes.indexOf(0, at + 1);
    if (name < 0 || name >= end - 1) return -1;
    at = afterValue(bytes, type, name + 1, end - 1, depth);
    if (at < 0 || at > end - 1) return -1;
  }
  return end;
}

/** Where a value ends that begins at `at`; -1 where it does not end before `limit`. */
function afterValue(bytes: Buffer, type: number, at: number, limit: number, depth: number): number {
  const fixed = FIXED[type];
  if (fixed !== undefined) {
    if (type === 8 && (bytes[at] ?? 2) > 1) return -1;
    return at + fixed;
  }
  switch (type) {
    case 2: // string
    case 13: // JavaScript
    case 14: // symbol
      return afterString(bytes, at, limit);
    case 3: // document
    case 4: // array
      return endOf(bytes, at, limit, depth + 1);
    case 5: // binary: length, subtype, bytes
      return limit - at < 5 ? -1 : within(at + 5 + bytes.readUInt32LE(at), limit);
    case 11: // regular expression: two C strings
      return afterCString(bytes, afterCString(bytes, at, limit), limit);
    case 12: {
      // DBPointer: string, ObjectId
      const name = afterString(bytes, at, limit);
      return name < 0 ? -1 : within(name + 12, limit);
    }
    case 15: {
      // JavaScript with scope: length, string, document
      if (limit - at < 4) return -1;
      const code = afterString(bytes, at + 4, limit);
      const scope = code < 0 ? -1 : endOf(bytes, code, limit, depth + 1);
      return scope === at + bytes.readUInt32LE(at) ? scope : -1;
    }
    default:
      return -1;
  }
}

const within = (at: number, limit: number): number => (at > limit ? -1 : at);

function afterString(bytes: Buffer, at: number, limit: number): number {
  if (limit - at < 5) return -1;
  const length = bytes.readUInt32LE(at);
  const end = at + 4 + length;
  return length < 1 || end > limit || bytes[end - 1] !== 0 ? -1 : end;
}

function afterCString(bytes: Buffer, at: number, limit: number): number {
  if (at < 0) return -1;
  const end = bytes.indexOf(0, at);
  return end < 0 || end >= limit ? -1 : end + 1;
}
