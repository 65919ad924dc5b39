import { MusterError } from '@muster/core';
import type { Artefact } from '../artefact.js';
import type { HeadReader } from '../bytes/head-reader.js';
import { peekFile, reading } from '../bytes/peek.js';
import type { Wrapper } from '../bytes/wrapper.js';
import { requireOwnFiles } from './own-files.js';

/** {@link Engine.identify}, with what an engine sees in the head of a file and in a directory. */
export const identifyArtefact = <Facts>(
  artefact: Artefact,
  look: {
    readonly file: (reader: HeadReader, wrapper: Wrapper) => Promise<Facts>;
    readonly directory: (path: string, signal: AbortSignal) => Promise<Facts>;
  },
  signal: AbortSignal,
): Promise<Facts> =>
  reading(signal, async () => {
    switch (artefact.form) {
      case 'file':
        return peekFile(artefact.path, signal, look.file);
      case 'directory':
        await requireOwnFiles(artefact.path);
        return look.directory(artefact.path, signal);
      case 'stream':
        throw new MusterError('internal', 'A live dump is identified while it flows, not before.');
    }
  });
