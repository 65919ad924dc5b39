import { deserialize, EJSON, onDemand } from 'bson';

/**
 * One field of a BSON document as it stands there. Documents are not read into JavaScript objects, which reorder
 * integer-like keys and keep only one of two fields of the same name. https://bsonspec.org/spec.html
 */
export interface Field {
  readonly name: string;
  /** The type byte of the specification. */
  readonly type: number;
  readonly bytes: Uint8Array;
}

/** Types by their bytes. */
export const DOUBLE = 0x01;
export const STRING = 0x02;
const DOCUMENT = 0x03;
const ARRAY = 0x04;
export const UNDEFINED = 0x06;
export const BOOLEAN = 0x08;
const DATE = 0x09;
export const NULL = 0x0a;
export const INT32 = 0x10;
export const LONG = 0x12;
export const DECIMAL128 = 0x13;

/** What `relaxed` Extended JSON says as well as the canonical form does. */
const NOTHING_LOST: ReadonlySet<number> = new Set([DOUBLE, INT32, BOOLEAN, DATE]);

/** The fields in their order; those of a document or an array of BSON alike. */
export function fieldsOf(document: Uint8Array): readonly Field[] {
  const decoder = new TextDecoder();
  return [...onDemand.parseToElements(document)].map(([type, nameOffset, nameLength, offset, length]) => ({
    name: decoder.decode(document.subarray(nameOffset, nameOffset + nameLength)),
    type,
    bytes: document.subarray(offset, offset + length),
  }));
}

/** Those of a value that is a document or an array; of any other none. */
export const innerFields = ({ type, bytes }: Field): readonly Field[] =>
  type === DOCUMENT || type === ARRAY ? fieldsOf(bytes) : [];

/** The value alone, as the BSON library reads it from a document with nothing else in it. */
export function bsonValue({ type, bytes }: Field): unknown {
  const alone = new Uint8Array(4 + 2 + bytes.length + 1);
  new DataView(alone.buffer).setInt32(0, alone.length, true);
  alone[4] = type;
  alone.set(bytes, 6);
  return deserialize(alone, { promoteValues: false, promoteLongs: false, bsonRegExp: true })[''];
}

/**
 * Extended JSON v2, every key in its place: `canonical`, or `short`, which is relaxed where no digit is lost by it.
 */
export function extendedJson(field: Field, form: 'canonical' | 'short'): string {
  const text = (one: Field) => extendedJson(one, form);
  if (field.type === ARRAY) return `[${innerFields(field).map(text).join(',')}]`;
  if (field.type === DOCUMENT)
    return `{${innerFields(field)
      .map((one) => `${JSON.stringify(one.name)}:${text(one)}`)
      .join(',')}}`;
  if (field.type === UNDEFINED) return '{"$undefined":true}';
  if (field.type === DATE && !isDateOfJavaScript(field))
    return `{"$date":{"$numberLong":"${millisecondsOf(field)}"}}`;
  return EJSON.stringify(bsonValue(field), { relaxed: form === 'short' && NOTHING_LOST.has(field.type) });
}

/** MongoDB has dates of all 64 bits. https://tc39.es/ecma262/#sec-time-values-and-time-range */
const isDateOfJavaScript = (field: Field): boolean =>
  !Number.isNaN(new Date(Number(millisecondsOf(field))).getTime());

const millisecondsOf = ({ bytes }: Field): bigint =>
  new DataView(bytes.buffer, bytes.byteOffset).getBigInt64(0, true);
