import type { SummaryValue } from '@muster/core';

/** What `pg_type` says of a type that is not built in. */
export interface TypeFacts {
  readonly name: string;
  /** `pg_type.typcategory` */
  readonly category: string;
  /** `pg_type.typtype`: `e` is an enum. */
  readonly kind: string;
}

/** From here on object ids are those of what the dump made. */
const FIRST_USER_OID = 16384;
const BOOLEAN = 16;
/** int8, int2, int4, oid, float4, float8, numeric. */
const NUMBERS: ReadonlySet<number> = new Set([20, 21, 23, 26, 700, 701, 1700]);
/** "char", name, text, unknown, bpchar, varchar, uuid. */
const STRINGS: ReadonlySet<number> = new Set([18, 19, 25, 705, 1042, 1043, 2950]);
const DECIMAL = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i;

/** True for types whose meaning has to be asked of the server. */
export const isUnknownType = (oid: number): boolean =>
  oid !== BOOLEAN && !NUMBERS.has(oid) && !STRINGS.has(oid);

/**
 * One value in the server's text form, by the meaning of its type. A domain is reported by the server as the type
 * beneath it. `money` and the `reg*` types print as names or in the currency of the locale, so they are `other`.
 */
export function summaryValue(text: string | null, oid: number, facts?: TypeFacts): SummaryValue {
  if (text === null) return { kind: 'null' };
  if (oid === BOOLEAN) return { kind: 'boolean', value: text === 't' };
  if (NUMBERS.has(oid)) return numberValue(text);
  if (STRINGS.has(oid)) return { kind: 'string', text };
  if (oid >= FIRST_USER_OID && facts !== undefined) {
    if (facts.kind === 'e' || facts.category === 'S') return { kind: 'string', text };
    if (facts.category === 'N' && DECIMAL.test(text)) return numberValue(text);
  }
  return { kind: 'other', type: facts?.name ?? `oid ${oid}`, text };
}

function numberValue(text: string): SummaryValue {
  if (text === 'NaN' || text === 'Infinity' || text === '-Infinity') return { kind: 'non_finite', text };
  return { kind: 'number', text };
}
