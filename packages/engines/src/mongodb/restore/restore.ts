import type { Readable } from 'node:stream';
import { DATABASE_NAMED, MusterError } from '@muster/core';
import type { Artefact, FileArtefact, FlowArtefact } from '../../artefact.js';
import { counting, hashing } from '../../bytes/counting.js';
import { unwrap } from '../../bytes/decompress.js';
import { openContent } from '../../bytes/open-content.js';
import type { RestoreOptions, RestoreReport } from '../../engine.js';
import { databasesOf } from '../format/collection.js';
import { readLayout } from '../format/directory-layout.js';
import { archiveFacts, peekArchive } from '../format/identify.js';
import { isMongoFacts, type MongoFacts } from '../mongo-facts.js';
import { type RunningMongod, withClient } from '../server/mongod.js';
import { restoreArchiveByTool, restoreDirectoryByTool } from './by-tool.js';
import { readArchive } from './read-archive.js';
import { readCollections, readDirectory } from './read-directory.js';
import { restoreError } from './restore-error.js';
import { targetOf } from './target.js';

type Stored = Exclude<Artefact, { form: 'stream' }>;
type Streamed = Extract<Artefact, { form: 'stream' }>;

/**
 * Restores what mongodump wrote: with the mongorestore beside the server, else with a reader of our own through the
 * driver. @throws what {@link Server.restore} says, and `needs_mongorestore`, `unsupported_dump`.
 */
export async function restore(
  server: RunningMongod,
  artefact: Artefact,
  options: RestoreOptions,
  signal: AbortSignal,
): Promise<RestoreReport> {
  try {
    if (artefact.form === 'stream') return await restoreStream(server, artefact, options, signal);
    const { facts } = options;
    if (!isMongoFacts(facts))
      throw new MusterError('internal', 'The backup was identified by another engine.');
    if (artefact.form === 'repository')
      throw new MusterError('internal', 'A backup set of PostgreSQL was given to MongoDB.');
    requireTool(server, facts);
    return artefact.form === 'directory'
      ? await restoreDirectory(server, artefact, facts, options, signal)
      : await restoreFile(server, artefact, facts, options, signal);
  } catch (error) {
    throw await restoreError(server, error, signal);
  }
}

/** What an oplog holds can only be replayed by who knows every operation that there is. */
function requireTool({ installation }: RunningMongod, { hasOplog }: MongoFacts): void {
  if (!hasOplog || installation.mongorestore !== undefined) return;
  throw new MusterError(
    'needs_mongorestore',
    'The dump was taken with --oplog, which only mongorestore replays, and there is none beside the server. Name an image that has it with `image:`.',
  );
}

async function restoreFile(
  server: RunningMongod,
  artefact: FileArtefact | FlowArtefact,
  facts: MongoFacts,
  options: RestoreOptions,
  signal: AbortSignal,
): Promise<RestoreReport> {
  const { stream } = counting(openContent(artefact, signal), (bytes) =>
    options.onProgress({ bytes, totalBytes: artefact.sizeBytes }),
  );
  try {
    const restored = await restoreArchive(server, unwrap(stream, facts.wrapper), options, false, signal);
    return { ...restored.report, bytes: artefact.sizeBytes };
  } finally {
    stream.destroy();
  }
}

/** The bytes of an archive that is not wrapped. `checksums`: nobody else compares them. */
async function restoreArchive(
  server: RunningMongod,
  content: Readable,
  options: RestoreOptions,
  checksums: boolean,
  signal: AbortSignal,
): Promise<{ readonly report: Omit<RestoreReport, 'bytes'>; readonly facts: MongoFacts }> {
  const { mongorestore } = server.installation;
  if (mongorestore !== undefined) {
    const { facts, prelude, stream } = await peekArchive(content, signal);
    const done = await restoreArchiveByTool(
      server,
      mongorestore,
      { facts, prelude, stream },
      options,
      signal,
    );
    return { facts, report: { databases: facts.databases, tool: 'mongorestore', ...done } };
  }
  return withClient(server, signal, async (client) => {
    const target = targetOf(client, server);
    const prelude = await readArchive(content, target, {
      checksums,
      onPrelude: (found) => requireTool(server, archiveFacts(found, 'none')),
    });
    const objects = await target.finish(prelude.collections, options.jobs);
    const facts = archiveFacts(prelude, 'none');
    const warnings = target.dropped.warnings();
    return { facts, report: { databases: facts.databases, objects, warnings, tool: 'muster-reader' } };
  });
}

async function restoreDirectory(
  server: RunningMongod,
  artefact: Extract<Stored, { form: 'directory' }>,
  facts: MongoFacts,
  options: RestoreOptions,
  signal: AbortSignal,
): Promise<RestoreReport> {
  const { path, sizeBytes } = artefact;
  const layout = await readLayout(path, options.fallbackDatabase, signal);
  const collections = await readCollections(path, layout.collections, signal);
  const databases = databasesOf(collections);
  const named = layout.flat ? [{ code: DATABASE_NAMED, count: 1 }] : [];
  const { mongorestore } = server.installation;
  if (mongorestore !== undefined) {
    const done = await restoreDirectoryByTool(
      server,
      mongorestore,
      { artefact, facts, layout, collections },
      options,
      signal,
    );
    return {
      databases,
      bytes: sizeBytes,
      tool: 'mongorestore',
      ...done,
      warnings: [...named, ...done.warnings],
    };
  }
  let bytes = 0;
  const onBytes = (more: number): void => {
    bytes += more;
    options.onProgress({ bytes, totalBytes: sizeBytes });
  };
  return withClient(server, signal, async (client) => {
    const target = targetOf(client, server);
    await target.create(collections);
    await readDirectory(path, collections, target, { jobs: options.jobs, onBytes }, signal);
    const objects = await target.finish(collections, options.jobs);
    options.onProgress({ bytes: sizeBytes, totalBytes: sizeBytes });
    return {
      databases,
      bytes: sizeBytes,
      objects,
      warnings: [...named, ...target.dropped.warnings()],
      tool: 'muster-reader',
    };
  });
}

async function restoreStream(
  server: RunningMongod,
  artefact: Streamed,
  options: RestoreOptions,
  signal: AbortSignal,
): Promise<RestoreReport> {
  const end = new AbortController();
  const hash = hashing(artefact.open(AbortSignal.any([signal, end.signal])), (bytes) =>
    options.onProgress({ bytes }),
  );
  try {
    const { report, facts } = await restoreArchive(server, hash.stream, options, true, signal);
    const examined = hash.result();
    return { ...report, bytes: examined.sizeBytes, examined, facts };
  } finally {
    hash.stream.destroy();
    end.abort();
  }
}
