import { MusterError } from '@muster/core';
import type { Artefact } from '../../artefact.js';
import { readingError } from '../../bytes/feed.js';
import type { Examined } from '../../engine.js';
import { examineDirectory } from '../../examine/examine-directory.js';
import { examineFile } from '../../examine/examine-file.js';
import type { PostgresFacts } from '../postgres-facts.js';
import { contentCheck } from './content-check.js';
import { memberCheck } from './member-check.js';

/** {@link Engine.examine} of PostgreSQL. `onBytes` is told all bytes so far. */
export async function examine(
  artefact: Artefact,
  facts: PostgresFacts,
  onBytes: (bytes: number) => void,
  signal: AbortSignal,
): Promise<Examined> {
  try {
    switch (artefact.form) {
      case 'file':
        return await examineFile(artefact, facts.wrapper, contentCheck(facts), onBytes, signal);
      case 'directory':
        return await examineDirectory(artefact.path, memberCheck(facts), onBytes, signal);
      case 'stream':
        throw new MusterError('internal', 'A live dump is examined while it is restored.');
    }
  } catch (error) {
    if (signal.aborted) throw new MusterError('cancelled', 'The drill was cancelled.', { cause: error });
    throw readingError(error);
  }
}
