import { MusterError } from '@muster/core';

/** No name begins with a dot, so a key can neither climb out nor meet what is no object: temporary files, probes. */
export const SEGMENT = /^[A-Za-z0-9_-][A-Za-z0-9._-]*$/;

export const isKey = (text: string): boolean => text.split('/').every((segment) => SEGMENT.test(segment));

/** @throws `internal`. */
export function checkKey(key: string): string {
  if (isKey(key)) return key;
  throw new MusterError('internal', `${JSON.stringify(key)} is not a key of an evidence store.`);
}
