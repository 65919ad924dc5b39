import type { SummaryRow, SummaryValue } from '@muster/core';
import { type Decimal128, type Double, deserialize, EJSON, type Int32, type Long, onDemand } from 'bson';

/**
 * One field of a BSON document as it stands there. Documents are not read into JavaScript objects, which reorder
 * integer-like keys and keep only one of two fields of the same name. https://bsonspec.org/spec.html
 */
interface Field {
  readonly name: string;
  /** The type byte of the specification. */
  readonly type: number;
  readonly bytes: Uint8Array;
}

/** Names of the types as MongoDB's `$type` has them; of the numbers and what is compared, none is needed. */
const TYPE_NAMES: ReadonlyMap<number, string> = new Map([
  [0x03, 'object'],
  [0x04, 'array'],
  [0x05, 'binData'],
  [0x07, 'objectId'],
  [0x09, 'date'],
  [0x0b, 'regex'],
  [0x0c, 'dbPointer'],
  [0x0d, 'javascript'],
  [0x0e, 'symbol'],
  [0x0f, 'javascriptWithScope'],
  [0x11, 'timestamp'],
  [0xff, 'minKey'],
  [0x7f, 'maxKey'],
]);
const DOUBLE = 0x01;
const STRING = 0x02;
const DOCUMENT = 0x03;
const ARRAY = 0x04;
const UNDEFINED = 0x06;
const BOOLEAN = 0x08;
const DATE = 0x09;
const NULL = 0x0a;
const INT32 = 0x10;
const LONG = 0x12;
const DECIMAL128 = 0x13;

/**
 * A document as a row, in its own order. A column of an expectation that has a dot and is none of its fields is a path
 * (`total.amount`, `items.0.price`), whose value becomes a column of that name; one that leads nowhere becomes none.
 */
export function summaryRow(document: Uint8Array, column: string): SummaryRow {
  const fields = fieldsOf(document);
  const columns = fields.map((field) => ({ name: field.name, value: summaryValue(field) }));
  if (!column.includes('.') || fields.some(({ name }) => name === column)) return { columns };
  const found = column
    .split('.')
    .reduce<readonly Field[] | undefined>(
      (within, step) =>
        (within === undefined ? fields : within.flatMap(innerFields)).filter(({ name }) => name === step),
      undefined,
    );
  return {
    columns: [...columns, ...(found ?? []).map((field) => ({ name: column, value: summaryValue(field) }))],
  };
}

function summaryValue(field: Field): SummaryValue {
  switch (field.type) {
    case NULL:
    case UNDEFINED:
      return { kind: 'null' };
    case BOOLEAN:
      return { kind: 'boolean', value: field.bytes[0] === 1 };
    case STRING:
      return { kind: 'string', text: bsonValue(field) as string };
    case DOUBLE:
      return numberValue(String((bsonValue(field) as Double).value));
    case INT32:
    case LONG:
    case DECIMAL128:
      return numberValue((bsonValue(field) as Int32 | Long | Decimal128).toString());
    default:
      return { kind: 'other', type: TYPE_NAMES.get(field.type) ?? `type ${field.type}`, text: text(field) };
  }
}

function numberValue(text: string): SummaryValue {
  if (text === 'NaN' || text === 'Infinity' || text === '-Infinity') return { kind: 'non_finite', text };
  return { kind: 'number', text };
}

/** Extended JSON: relaxed where no digit is lost by it, else canonical. */
function text(field: Field): string {
  const inner = innerFields(field);
  if (field.type === ARRAY) return `[${inner.map(text).join(',')}]`;
  if (field.type === DOCUMENT)
    return `{${inner.map((one) => `${JSON.stringify(one.name)}:${text(one)}`).join(',')}}`;
  const relaxed =
    field.type === DOUBLE || field.type === INT32 || field.type === BOOLEAN || field.type === DATE;
  return EJSON.stringify(bsonValue(field), { relaxed });
}

const innerFields = (field: Field): readonly Field[] =>
  field.type === DOCUMENT || field.type === ARRAY ? fieldsOf(field.bytes) : [];

function fieldsOf(document: Uint8Array): readonly Field[] {
  const decoder = new TextDecoder();
  return [...onDemand.parseToElements(document)].map(([type, nameOffset, nameLength, offset, length]) => ({
    name: decoder.decode(document.subarray(nameOffset, nameOffset + nameLength)),
    type,
    bytes: document.subarray(offset, offset + length),
  }));
}

/** The value alone, as the BSON library reads it from a document with nothing else in it. */
function bsonValue({ type, bytes }: Field): unknown {
  const alone = new Uint8Array(4 + 2 + bytes.length + 1);
  new DataView(alone.buffer).setInt32(0, alone.length, true);
  alone[4] = type;
  alone.set(bytes, 6);
  return deserialize(alone, { promoteValues: false, promoteLongs: false, bsonRegExp: true })[''];
}
