import type { SummaryRow, SummaryValue } from '@muster/core';
import type { Decimal128, Double, Int32, Long } from 'bson';
import {
  BOOLEAN,
  bsonValue,
  DECIMAL128,
  DOUBLE,
  extendedJson,
  type Field,
  fieldsOf,
  INT32,
  innerFields,
  LONG,
  NULL,
  STRING,
  UNDEFINED,
} from '../bson-fields.js';

/** Names of the types as MongoDB's `$type` has them; of the numbers and what is compared, none is needed. */
const TYPE_NAMES: ReadonlyMap<number, string> = new Map([
  [0x02, 'string'],
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

/** A value that no program could read is of no interest to the columns beside it. */
function summaryValue(field: Field): SummaryValue {
  try {
    return readValue(field);
  } catch {
    const bytes = Buffer.from(field.bytes).toString('hex');
    return { kind: 'other', type: `${typeName(field)} of invalid content`, text: bytes };
  }
}

const typeName = ({ type }: Field): string => TYPE_NAMES.get(type) ?? `type ${type}`;

function readValue(field: Field): SummaryValue {
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
      return {
        kind: 'other',
        type: typeName(field),
        text: extendedJson(field, 'short'),
      };
  }
}

function numberValue(text: string): SummaryValue {
  if (text === 'NaN' || text === 'Infinity' || text === '-Infinity') return { kind: 'non_finite', text };
  return { kind: 'number', text };
}
