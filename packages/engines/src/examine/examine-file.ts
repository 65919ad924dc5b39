import { createHash } from 'node:crypto';
import { stat } from 'node:fs/promises';
import { isMusterError, type MusterError } from '@muster/core';
import type { Artefact } from '../artefact.js';
import { readBackup } from '../bytes/feed.js';
import type { Wrapper } from '../bytes/wrapper.js';
import type { Examined } from '../engine.js';
import { backupChanged, changed } from './change.js';
import { companionsOf, digestFor, mismatch } from './companion.js';
import type { ContentCheck } from './content-check.js';
import { ContentFlow } from './content-flow.js';

/** {@link Engine.examine} of a single file, whose content inside of its wrapper goes through `check`. */
export async function examineFile(
  { path, sizeBytes: expected }: Extract<Artefact, { form: 'file' }>,
  wrapper: Wrapper,
  check: ContentCheck,
  onBytes: (bytes: number) => void,
  signal: AbortSignal,
): Promise<Examined> {
  const before = await stat(path, { bigint: true });
  const hash = createHash('sha256');
  const content = new ContentFlow(check, wrapper, signal);
  let sizeBytes = 0;
  try {
    for await (const chunk of readBackup(path, signal)) {
      hash.update(chunk);
      sizeBytes += chunk.length;
      onBytes(sizeBytes);
      await content.write(chunk);
    }
  } catch (error) {
    content.abandon();
    throw error;
  }
  const damage = await content.end();
  signal.throwIfAborted();
  const hex = hash.digest('hex');
  const after = await stat(path, { bigint: true });
  if (changed(before, after) || sizeBytes !== Number(before.size) || sizeBytes !== expected)
    throw backupChanged();
  const fault = damage ?? (await disagreement(path, hex));
  return { sha256: `sha256:${hex}`, sizeBytes, ...(fault === undefined ? {} : { fault }) };
}

async function disagreement(path: string, hex: string): Promise<MusterError | undefined> {
  for (const companion of await companionsOf(path)) {
    try {
      const expected = digestFor(companion, path);
      if (expected !== undefined && expected !== hex) return mismatch(companion.name);
    } catch (error) {
      if (isMusterError(error, 'checksum_mismatch')) return error;
      throw error;
    }
  }
  return undefined;
}
