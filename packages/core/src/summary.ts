import { parseDecimal } from './decimal.js';
import type { SummaryRow, SummaryValue } from './value.js';

export type SummaryJson = Record<string, string | number | boolean | null>;

/**
 * The row as a receipt holds it: column to JSON value. A column whose name stands more than once is left out, because
 * an object could show only one of its values.
 */
export function summaryJson(row: SummaryRow): SummaryJson {
  const counts = new Map<string, number>();
  for (const { name } of row.columns) counts.set(name, (counts.get(name) ?? 0) + 1);
  // fromEntries defines own properties, so a column may be called __proto__.
  return Object.fromEntries(
    row.columns
      .filter(({ name }) => counts.get(name) === 1)
      .map(({ name, value }) => [name.toWellFormed(), jsonValue(value)]),
  );
}

function jsonValue(value: SummaryValue): string | number | boolean | null {
  switch (value.kind) {
    case 'null':
      return null;
    case 'boolean':
      return value.value;
    case 'number':
      return jsonNumber(value.text);
    default:
      // RFC 8785 has no lone surrogates.
      return value.text.toWellFormed();
  }
}

/** A JSON number where its shortest round-trip text is the very same decimal number, else the text. */
function jsonNumber(text: string): number | string {
  const number = Number(text);
  if (!Number.isFinite(number)) return text;
  const exact = parseDecimal(text)?.eq(String(number)) === true;
  // JSON has no -0.
  return exact ? number + 0 : text;
}
