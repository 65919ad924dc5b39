import { isEvidence, type MusterError } from '@muster/core';
import type { FlowArtefact } from '../artefact.js';
import type { Wrapper } from '../bytes/wrapper.js';
import type { ContentCheck } from './content-check.js';
import { ContentFlow } from './content-flow.js';
import { disagreement, parsedDigestFile } from './digest-file.js';
import type { Examined, ExamineOptions } from './examined.js';

/** {@link Engine.examine} of a single file that is elsewhere, or encrypted: its digest is that of what is stored. */
export async function examineFlow(
  artefact: FlowArtefact,
  wrapper: Wrapper,
  check: ContentCheck,
  { onBytes, contentLimitBytes }: ExamineOptions,
  signal: AbortSignal,
): Promise<Examined> {
  const flow = artefact.open(signal);
  const content = new ContentFlow(check, wrapper, contentLimitBytes, signal);
  try {
    const unopened = await readThrough(flow.content, content, onBytes);
    const damage = unopened ?? (await content.end());
    signal.throwIfAborted();
    const stored = await flow.stored();
    const fault = damage ?? stored.fault ?? (await besideFault(artefact, stored.sha256, signal));
    return { ...stored, ...(fault === undefined ? {} : { fault }) };
  } finally {
    content.abandon();
    flow.close();
  }
}

/** Evidence that keeps the content from coming to its end. */
async function readThrough(
  source: AsyncIterable<Buffer>,
  content: ContentFlow,
  onBytes: (bytes: number) => void,
): Promise<MusterError | undefined> {
  let bytes = 0;
  try {
    for await (const chunk of source) {
      bytes += chunk.length;
      onBytes(bytes);
      await content.write(chunk);
    }
    return undefined;
  } catch (error) {
    if (isEvidence(error)) return error;
    throw error;
  }
}

async function besideFault(
  { name, beside }: FlowArtefact,
  sha256: string,
  signal: AbortSignal,
): Promise<MusterError | undefined> {
  const files = await Promise.all(
    beside.map(async (file) => ({ own: file.own, ...parsedDigestFile(file.name, await file.read(signal)) })),
  );
  return disagreement(files, name, sha256.slice('sha256:'.length));
}
