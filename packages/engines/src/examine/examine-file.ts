import { createHash } from 'node:crypto';
import { stat } from 'node:fs/promises';
import { basename } from 'node:path';
import type { FileArtefact } from '../artefact.js';
import { readBackup } from '../bytes/feed.js';
import type { Wrapper } from '../bytes/wrapper.js';
import { backupChanged, changed } from './change.js';
import type { ContentCheck } from './content-check.js';
import { ContentFlow } from './content-flow.js';
import { digestFilesBeside, disagreement } from './digest-file.js';
import type { Examined, ExamineOptions } from './examined.js';

/** {@link Engine.examine} of a single file, whose content inside of its wrapper goes through `check`. */
export async function examineFile(
  { path, sizeBytes: expected }: FileArtefact,
  wrapper: Wrapper,
  check: ContentCheck,
  { onBytes, contentLimitBytes }: ExamineOptions,
  signal: AbortSignal,
): Promise<Examined> {
  const before = await stat(path, { bigint: true });
  const hash = createHash('sha256');
  const content = new ContentFlow(check, wrapper, contentLimitBytes, signal);
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
  const fault = damage ?? disagreement(await digestFilesBeside(path), basename(path), hex);
  return { sha256: `sha256:${hex}`, sizeBytes, ...(fault === undefined ? {} : { fault }) };
}
