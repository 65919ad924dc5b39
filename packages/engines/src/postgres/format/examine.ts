import type { Artefact } from '../../artefact.js';
import { examineArtefact } from '../../examine/examine-artefact.js';
import type { Examined, ExamineOptions } from '../../examine/examined.js';
import type { PostgresFacts } from '../postgres-facts.js';
import { contentCheck } from './content-check.js';
import { memberCheck } from './member-check.js';

/** {@link Engine.examine} of PostgreSQL. */
export const examine = (
  artefact: Artefact,
  facts: PostgresFacts,
  options: ExamineOptions,
  signal: AbortSignal,
): Promise<Examined> =>
  examineArtefact(
    artefact,
    {
      wrapper: facts.wrapper,
      file: () => contentCheck(facts),
      directory: async () => memberCheck(facts),
    },
    options,
    signal,
  );
