import { MusterError } from '@muster/core';
import type { Artefact } from '../artefact.js';
import { readBackup } from '../bytes/feed.js';
import type { HeadReader } from '../bytes/head-reader.js';
import { peek, reading } from '../bytes/peek.js';
import type { Wrapper } from '../bytes/wrapper.js';
import type { BackupFacts } from '../engine.js';
import { requireOwnFiles } from './own-files.js';

/** {@link Engine.identify}, with what an engine sees in the head of a file and in a directory. */
export const identifyArtefact = <Facts extends BackupFacts>(
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
        return peek(readBackup(artefact.path, signal), look.file);
      case 'flow': {
        const { bytes, encryption } = await artefact.head(signal);
        const facts = await peek(bytes, look.file);
        return encryption === undefined ? facts : { ...facts, format: `${facts.format}+${encryption}` };
      }
      case 'directory':
        await requireOwnFiles(artefact.path);
        return look.directory(artefact.path, signal);
      case 'repository':
        throw new MusterError('internal', 'A backup set is told by its repository, not by its bytes.');
      case 'stream':
        throw new MusterError('internal', 'A live dump is identified while it flows, not before.');
    }
  });
