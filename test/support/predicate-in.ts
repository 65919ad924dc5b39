import type { Predicate, Statement } from '@muster/core';
import type { MusterFolder } from './muster.ts';

/** What a receipt in the folder says; undefined where there is none. */
export async function predicateIn(folder: MusterFolder, file = 'receipt'): Promise<Predicate | undefined> {
  const text = await folder.read(file).catch(() => undefined);
  if (text === undefined) return undefined;
  const bundle = JSON.parse(text) as { dsseEnvelope: { payload: string } };
  const statement = JSON.parse(Buffer.from(bundle.dsseEnvelope.payload, 'base64').toString()) as Statement;
  return statement.predicate;
}
