import { createHash } from 'node:crypto';
import { DRILL_ID, isMusterError } from '@muster/core';
import { z } from 'zod';
import type { EvidenceStore } from './evidence-store.js';

/**
 * What came as a receipt and is none: its bytes, as `quarantine/<drill id, or unknown>/<sha256>.json`. Beside it lie
 * `<sha256>.why.json`, and `<sha256>.acknowledged.json` once somebody saw to it. Nothing is ever taken away.
 */
export interface Quarantined {
  readonly key: string;
  /** Of the bytes, hex. */
  readonly sha256: string;
  /** Absent where it names none. */
  readonly drillId?: string;
  readonly acknowledged: boolean;
}

const whySchema = z.object({ quarantined_at: z.string(), why: z.string() });
const acknowledgedSchema = z.object({ acknowledged_at: z.string(), note: z.string() });

/** What is known of it besides its bytes; what lies there unreadable is not known. */
export interface QuarantineNotes {
  readonly why?: z.infer<typeof whySchema>;
  readonly acknowledged?: z.infer<typeof acknowledgedSchema>;
}

const PREFIX = 'quarantine/';
const KEY = /^quarantine\/([^/]+)\/([0-9a-f]{64})\.(why\.|acknowledged\.)?json$/;

/** @returns its key. @throws `evidence_unwritable`. */
export async function putInQuarantine(
  store: EvidenceStore,
  {
    id,
    bytes,
    why,
    at,
  }: { readonly id: string; readonly bytes: Uint8Array; readonly why: string; readonly at: Date },
  signal: AbortSignal,
): Promise<string> {
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  const key = `${PREFIX}${DRILL_ID.test(id) ? id : 'unknown'}/${sha256}.json`;
  await store.putOnce(key, bytes, signal);
  await putNote(store, beside(key, 'why'), { quarantined_at: at.toISOString(), why }, signal);
  return key;
}

/** All of it, in the order of its keys. @throws what the store throws. */
export async function listQuarantine(
  store: Pick<EvidenceStore, 'list'>,
  signal: AbortSignal,
): Promise<readonly Quarantined[]> {
  const found = new Map<string, Omit<Quarantined, 'acknowledged'>>();
  const acknowledged = new Set<string>();
  for await (const key of store.list(PREFIX, signal)) {
    const [, drillId = '', sha256 = '', note] = KEY.exec(key) ?? [];
    const of = `${drillId}/${sha256}`;
    if (note === 'acknowledged.') acknowledged.add(of);
    if (sha256 !== '' && note === undefined)
      found.set(of, { key, sha256, ...(DRILL_ID.test(drillId) && { drillId }) });
  }
  return [...found].map(([of, one]) => ({ ...one, acknowledged: acknowledged.has(of) }));
}

/** @throws what the store throws. */
export async function readQuarantineNotes(
  store: EvidenceStore,
  { key }: Quarantined,
  signal: AbortSignal,
): Promise<QuarantineNotes> {
  const [why, acknowledged] = await Promise.all([
    readNote(store, beside(key, 'why'), whySchema, signal),
    readNote(store, beside(key, 'acknowledged'), acknowledgedSchema, signal),
  ]);
  return { ...(why && { why }), ...(acknowledged && { acknowledged }) };
}

/**
 * Notes that somebody saw to it; the first note stands. It is not signed, and makes no receipt of it.
 * @throws `evidence_unwritable`.
 */
export async function acknowledgeQuarantined(
  store: EvidenceStore,
  { key }: Quarantined,
  { note, at }: { readonly note: string; readonly at: Date },
  signal: AbortSignal,
): Promise<'stored' | 'exists'> {
  const said = { acknowledged_at: at.toISOString(), note };
  return await putNote(store, beside(key, 'acknowledged'), said, signal);
}

const beside = (key: string, what: 'why' | 'acknowledged'): string => key.replace(/json$/, `${what}.json`);

const putNote = (store: EvidenceStore, key: string, note: object, signal: AbortSignal) =>
  store.putOnce(key, new TextEncoder().encode(JSON.stringify(note)), signal);

async function readNote<T>(
  store: EvidenceStore,
  key: string,
  schema: z.ZodType<T>,
  signal: AbortSignal,
): Promise<T | undefined> {
  try {
    return schema.safeParse(JSON.parse(new TextDecoder().decode(await store.get(key, signal)))).data;
  } catch (error) {
    if (error instanceof SyntaxError || isMusterError(error, 'evidence_not_found')) return undefined;
    throw error;
  }
}
