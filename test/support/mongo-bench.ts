import type { Answer, Check, Expectation } from '@muster/core';
import { type AskOptions, mongodbEngine, type RestoreReport } from '@muster/engines';
import { MongoClient } from 'mongodb';
import { artefactOf } from './engine-bench.ts';
import { IMAGES } from './images.ts';
import { never, type ServerBench, serverBench, type Up } from './server-bench.ts';

export type MongoPlace = 'docker mongo' | 'docker mongo by the bridge' | 'bubblewrap mongo';

/** Where the tool is Muster's own reader, a mongorestore that may be there is not shown. */
export const mongoBench = (
  place: MongoPlace,
  tool: NonNullable<RestoreReport['tool']> = 'muster-reader',
): Promise<ServerBench> =>
  serverBench(mongodbEngine, IMAGES.mongo, place, (base) =>
    tool === 'mongorestore' ? base : { ...base, facts: base.facts.replaceAll(/^mongorestore\t.*\n/gm, '') },
  );

/** What is to be restored where nothing is: any version that the stand-in takes. */
export const MONGO_FACTS = { format: 'archive', major: 7, databases: [] };

/** A client of the server in a scratch, as any program has one. The caller closes it. */
export const clientOf = ({ scratch }: Pick<Up, 'scratch'>): MongoClient =>
  new MongoClient(`mongodb://${encodeURIComponent(`${scratch.socketDir}/mongodb-27017.sock`)}/`);

export type RestoredMongo = Up & { readonly report: RestoreReport; readonly client: MongoClient };

/** Identifies, launches, restores, and hands the server over. */
export async function restoredMongo<T>(
  bench: ServerBench,
  path: string,
  use: (restored: RestoredMongo) => Promise<T>,
): Promise<T> {
  const artefact = await artefactOf(path);
  const facts = await mongodbEngine.identify(artefact, never());
  return bench.within(
    facts,
    async (up) => {
      const report = await up.server.restore(
        artefact,
        { facts, fallbackDatabase: 'restored', jobs: 2, onProgress: () => undefined, onOutput: up.onOutput },
        never(),
      );
      const client = clientOf(up);
      try {
        return await use({ ...up, report, client });
      } finally {
        await client.close();
      }
    },
    { artefact },
  );
}

export type MongoAsked = Partial<AskOptions & Pick<Check, 'readOnly'> & { readonly column: string }>;

/** Asks a `summary_find`, written as JSON would be. */
export function askMongo({ server, onOutput }: Up, find: object, asked: MongoAsked = {}): Promise<Answer> {
  const { readOnly = false, column = 'n', ...options } = asked;
  return server.ask(
    mongoQuestion(find, column, readOnly),
    { database: 'test', timeoutMs: 20_000, onOutput, ...options },
    never(),
  );
}

export function mongoQuestion(find: object, column = 'n', readOnly = false): Check {
  const expectation: Expectation = { column, operator: '==', literal: { kind: 'number', text: '0' } };
  return {
    id: 'asked',
    question: { kind: 'mongodb', summaryFind: mapping(find) as ReadonlyMap<string, unknown> },
    expect: `${column} == 0`,
    expectation,
    timeoutMs: 60_000,
    readOnly,
  };
}

/** As YAML is read: mappings are ordered Maps. */
function mapping(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(mapping);
  if (value === null || typeof value !== 'object') return value;
  const entries = value instanceof Map ? [...value] : Object.entries(value);
  return new Map(entries.map(([key, inner]) => [key, mapping(inner)]));
}
