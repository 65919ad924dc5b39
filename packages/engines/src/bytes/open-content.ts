import type { Readable } from 'node:stream';
import type { FileArtefact, FlowArtefact } from '../artefact.js';
import { readBackup } from './feed.js';

/** The dump's own bytes of a single file, wherever it is. */
export function openContent(artefact: FileArtefact | FlowArtefact, signal: AbortSignal): Readable {
  if (artefact.form === 'file') return readBackup(artefact.path, signal);
  const { content, close } = artefact.open(signal);
  return content.once('close', close);
}
