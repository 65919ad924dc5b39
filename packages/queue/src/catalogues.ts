import { type Catalogue, catalogueSchema, wellFormed } from '@muster/core';
import type { Redis } from 'ioredis';
import { z } from 'zod';
import { type Asked, createQuestions } from './questions.js';

/** Whose backups are asked for, under which configuration: of one source, the same for a minute. */
const wantedSchema = z.strictObject({ config_sha256: wellFormed, source: z.string().regex(/^[a-z0-9-]+$/) });
type WantedCatalogue = z.infer<typeof wantedSchema>;
export type AskedCatalogue = Asked<WantedCatalogue>;

/** What backups a source has, which only workers see. @throws `redis_unavailable`. */
export interface Catalogues {
  /** Asks whichever worker of the pool is first. What was asked within the last minute is not asked again. */
  ask(wanted: WantedCatalogue, pool: string): Promise<void>;
  /** What a worker saw within the last minute. */
  answer(wanted: WantedCatalogue): Promise<Catalogue | undefined>;
  /** The next that is asked of this pool, for whoever answers it. */
  next(pool: string): Promise<AskedCatalogue | undefined>;
  tell(asked: AskedCatalogue, catalogue: Catalogue): Promise<void>;
}

/** Over a connection for commands. */
export function createCatalogues(redis: Redis): Catalogues {
  const named = { name: 'catalogue', what: 'list of backups' };
  const asking = createQuestions(redis, named, { task: wantedSchema, answer: catalogueSchema });
  const wordsOf = ({ config_sha256: config, source }: WantedCatalogue) => [config, source];
  return {
    ask: (wanted, pool) => asking.ask(wordsOf(wanted), pool, wanted),
    answer: (wanted) => asking.answer(wordsOf(wanted)),
    next: asking.next,
    tell: asking.tell,
  };
}
