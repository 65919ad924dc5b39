import { isMusterError, MusterError, orAborted } from '@muster/core';
import type { MongoClient } from 'mongodb';
import type { DumpArtefact } from '../../artefact.js';
import { counting } from '../../bytes/counting.js';
import { unwrap } from '../../bytes/decompress.js';
import { readingError } from '../../bytes/feed.js';
import { openContent } from '../../bytes/open-content.js';
import type { RestoreReport } from '../../engine.js';
import type { BeginRestore, TargetDriver, TargetRestore, TargetRestoreOptions } from '../../target/target.js';
import { readLayout } from '../format/directory-layout.js';
import { databaseOf } from '../live/connection-uri.js';
import { isMongoFacts, type MongoFacts } from '../mongo-facts.js';
import { readArchive } from '../restore/read-archive.js';
import { readCollections, readDirectory } from '../restore/read-directory.js';
import { targetOf } from '../restore/target.js';
import { ask } from '../server/ask.js';
import { clientOfUri, closeClient } from '../server/client.js';
import { isServerError } from '../server/driver.js';
import { isOf, MARKER, type MongoSurvey, surveyMongo } from './survey.js';

/**
 * MongoDB: a backup is restored in its place, for no database of it changes its name. What is there goes first; a document
 * of ours tells the next run, until the backup is whole.
 */
export const mongodbTarget: TargetDriver = {
  survey: surveyMongo,
  admit: async (_uri, survey, { facts }) => {
    const { readOnly, major, name, serverVersion, substitute } = isOf(survey);
    if (readOnly !== undefined)
      throw new MusterError(
        'target_read_only',
        `Nothing can be written to the target: ${readOnly}. Name its primary.`,
      );
    if (facts.serverVersion !== undefined && facts.major > major && substitute === undefined)
      throw new MusterError(
        'target_older',
        `The backup is of MongoDB ${facts.major}, and the target is ${serverVersion}, which is older. Restore into a newer one.`,
      );
    if (isMongoFacts(facts) && facts.hasOplog)
      throw new MusterError(
        'needs_mongorestore',
        'The dump was taken with --oplog, which only mongorestore replays: run mongorestore --oplogReplay by hand.',
      );
    const { databases } = facts;
    if (databases.length < 2) return [];
    if (!databases.includes(name))
      throw new MusterError(
        'usage',
        `The dump holds several databases (${databases.join(', ')}), and ${JSON.stringify(name)} is none of them: name the one that is to be restored in the URI of --into.`,
      );
    return [`The dump holds several databases (${databases.join(', ')}): only ${name} is restored.`];
  },
  begin: (uri, survey, begin, signal) => beginRestore(uri, isOf(survey), begin, signal),
  isSame: (uri, other) => hostsOf(uri) === hostsOf(other) && databaseOf(uri) === databaseOf(other),
};

const hostsOf = (uri: string): string => uri.replace(/^mongodb(?:\+srv)?:\/\/(?:[^@/]*@)?|[/?].*$/g, '');

async function beginRestore(
  uri: string,
  survey: MongoSurvey,
  { facts, backup }: BeginRestore,
  signal: AbortSignal,
): Promise<TargetRestore> {
  if (!isMongoFacts(facts)) throw new MusterError('internal', 'The backup was identified by another engine.');
  const { name } = survey;
  const client = clientOfUri(uri);
  const database = client.db(name);
  let state: 'nothing' | 'restoring' | 'done' = 'nothing';
  try {
    state = 'restoring';
    await within(signal, async () => {
      if (!survey.isEmpty) await database.dropDatabase();
      await database.collection(MARKER).insertOne({ state: 'restoring', backup });
    });
  } catch (error) {
    await closeClient(client);
    throw await fault(error, signal);
  }
  return {
    isWhole: false,
    restore: async (artefact, options, stop) => {
      if (artefact.form === 'repository' || artefact.form === 'stream')
        throw new MusterError('internal', 'Only a dump is restored into a database.');
      options.onTool("Muster's own reader");
      try {
        return await within(stop, () => read(renamed(client, name), survey, artefact, facts, options, stop));
      } catch (error) {
        throw await fault(error, stop);
      }
    },
    finish: async () => {
      await database.collection(MARKER).drop();
      state = 'done';
      return {};
    },
    ask: async ({ question, ...check }, options, stop) => {
      if (question.kind !== 'mongodb')
        throw new MusterError('internal', 'A question for PostgreSQL was put to MongoDB.');
      const { signal: lost } = new AbortController();
      return await ask(
        { socketDir: '', uri, major: survey.major, lost },
        { ...check, question },
        options,
        stop,
      );
    },
    giveUp: async () => {
      if (state === 'done') return `The backup is restored whole in the database "${name}".`;
      return `The database "${name}" is half restored${survey.isEmpty ? '' : ', and what was there is gone'}: run the same command again, it knows what it left.`;
    },
    close: () => closeClient(client),
  };
}

/** What is restored of the dump, under the name that the target has. */
function renamed(client: MongoClient, name: string): MongoClient {
  return new Proxy(client, {
    get: (of, property) => {
      if (property === 'db') return () => of.db(name);
      const value: unknown = Reflect.get(of, property, of);
      return typeof value === 'function' ? value.bind(of) : value;
    },
  });
}

async function read(
  client: MongoClient,
  survey: MongoSurvey,
  artefact: DumpArtefact,
  facts: MongoFacts,
  options: TargetRestoreOptions,
  signal: AbortSignal,
): Promise<RestoreReport> {
  const { serverVersion: version, substitute } = survey;
  const only = facts.databases.length > 1 ? survey.name : undefined;
  const target = targetOf(client, { version, ...(substitute !== undefined && { substitute }) }, only);
  const { sizeBytes } = artefact;
  const done = { databases: [survey.name], bytes: sizeBytes, tool: 'muster-reader' as const };
  if (artefact.form === 'directory') {
    const layout = await readLayout(artefact.path, survey.name, signal);
    const found = await readCollections(artefact.path, layout.collections, signal);
    const collections = found.filter(({ database }) => only === undefined || database === only);
    let bytes = 0;
    const onBytes = (more: number): void => {
      bytes += more;
      options.onProgress({ bytes, totalBytes: sizeBytes });
    };
    await target.create(collections);
    await readDirectory(artefact.path, collections, target, { jobs: options.jobs, onBytes }, signal);
    const objects = await target.finish(collections, options.jobs);
    return { ...done, objects, warnings: target.dropped.warnings() };
  }
  const { stream } = counting(openContent(artefact, signal), (bytes) =>
    options.onProgress({ bytes, totalBytes: sizeBytes }),
  );
  try {
    const content = unwrap(stream, facts.wrapper);
    const prelude = await readArchive(content, target, { checksums: false, onPrelude: () => undefined });
    const objects = await target.finish(prelude.collections, options.jobs);
    return { ...done, objects, warnings: target.dropped.warnings() };
  } finally {
    stream.destroy();
  }
}

const within = <T>(signal: AbortSignal, work: () => Promise<T>): Promise<T> => orAborted(work(), signal);

async function fault(error: unknown, signal: AbortSignal): Promise<unknown> {
  if (signal.aborted) return new MusterError('cancelled', 'The restore was interrupted.', { cause: error });
  if (isMusterError(error)) return error;
  if (isServerError(error))
    return new MusterError(
      Number(error.code) === UNAUTHORIZED ? 'target_rights_missing' : 'restore_failed',
      Number(error.code) === UNAUTHORIZED
        ? 'The user of --into may not write to the target. Grant readWrite and dbAdmin on it.'
        : `The target refused the restore (code ${Number(error.code)}).`,
      { cause: error, output: error.message },
    );
  return error instanceof Error && error.name.startsWith('Mongo')
    ? new MusterError('target_lost', 'The target did not answer while it was restored.', { cause: error })
    : readingError(error);
}

const UNAUTHORIZED = 13;
