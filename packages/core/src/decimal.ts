import { Big } from 'big.js';

const DECIMAL = /^[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:e[+-]?0*(\d+))?$/i;

/** Exponents of more digits would lose their last ones in big.js; no database gives such numbers. */
const EXPONENT_DIGITS = 12;

/**
 * A decimal number of any size, exactly; undefined where the text is none. A number is kept as digits and an exponent,
 * so `1e999999999` costs no more than `1`. Compare only: to print it in full, or to add to it, would cost.
 */
export function parseDecimal(text: string): Big | undefined {
  const match = DECIMAL.exec(text);
  if (match === null || (match[1] ?? '').length > EXPONENT_DIGITS) return undefined;
  return new Big(text.startsWith('+') ? text.slice(1) : text);
}
