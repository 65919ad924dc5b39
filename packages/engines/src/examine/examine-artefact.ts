import { MusterError } from '@muster/core';
import type { Artefact } from '../artefact.js';
import { reading } from '../bytes/peek.js';
import type { Wrapper } from '../bytes/wrapper.js';
import type { ContentCheck } from './content-check.js';
import { type DirectoryCheck, examineDirectory } from './examine-directory.js';
import { examineFile } from './examine-file.js';
import { examineFlow } from './examine-flow.js';
import type { Examined, ExamineOptions } from './examined.js';

/** What an engine can tell about a backup without restoring it. */
export interface Checks {
  /** What a single file is inside of. */
  readonly wrapper: Wrapper;
  file(): ContentCheck;
  directory(path: string): Promise<DirectoryCheck>;
}

/** {@link Engine.examine}, with the checks of an engine. */
export const examineArtefact = (
  artefact: Artefact,
  checks: Checks,
  options: ExamineOptions,
  signal: AbortSignal,
): Promise<Examined> =>
  reading(signal, async () => {
    switch (artefact.form) {
      case 'file':
        return examineFile(artefact, checks.wrapper, checks.file(), options, signal);
      case 'flow':
        return examineFlow(artefact, checks.wrapper, checks.file(), options, signal);
      case 'directory':
        return examineDirectory(artefact.path, await checks.directory(artefact.path), options, signal);
      case 'repository':
        throw new MusterError('internal', 'A backup set is examined by its own engine.');
      case 'stream':
        throw new MusterError('internal', 'A live dump is examined while it is restored.');
    }
  });
