import { jsonNumber } from '@muster/core';

/**
 * JSON text as `JSON.stringify(value, null, 2)` writes it, but that Maps are objects too: those keep the order of their
 * keys, where a JavaScript object moves integer-like ones to the front.
 */
export function orderedJson(value: unknown, indent = ''): string {
  const inner = `${indent}  `;
  const within = (open: string, members: readonly string[], close: string): string =>
    members.length === 0
      ? open + close
      : `${open}\n${members.map((member) => inner + member).join(',\n')}\n${indent}${close}`;
  if (Array.isArray(value)) {
    return within(
      '[',
      value.map((item) => orderedJson(item ?? null, inner)),
      ']',
    );
  }
  const entries = entriesOf(value)?.filter(([, item]) => item !== undefined);
  if (entries !== undefined) {
    const members = entries.map(([key, item]) => `${JSON.stringify(key)}: ${orderedJson(item, inner)}`);
    return within('{', members, '}');
  }
  return typeof value === 'number' && Number.isFinite(value) ? jsonNumber(value) : JSON.stringify(value);
}

function entriesOf(value: unknown): readonly [string, unknown][] | undefined {
  if (value instanceof Map) return [...value];
  if (typeof value !== 'object' || value === null) return undefined;
  return 'toJSON' in value ? undefined : Object.entries(value);
}
