import type { Readable } from 'node:stream';
import { MusterError } from '@muster/core';
import type { Command } from '@muster/scratch';
import type { Artefact } from '../../artefact.js';
import { type Feed, feed } from '../../bytes/feed.js';
import { readWatch, watched } from '../../bytes/read-watch.js';
import type { RestoreOptions, RestoreReport } from '../../engine.js';
import { directoryInside } from '../../restore/directory-inside.js';
import type { ArchivePrelude } from '../format/archive-prelude.js';
import type { DumpedCollection } from '../format/collection.js';
import type { DirectoryLayout } from '../format/directory-layout.js';
import type { MongoFacts } from '../mongo-facts.js';
import type { DatabaseTool } from '../probe.js';
import { SOCKET } from '../server/client.js';
import { type RunningMongod, withClient } from '../server/mongod.js';
import { DroppedOptions } from './dropped-options.js';
import { buildAllIndexes, createAll, restoredOf } from './target.js';

type Done = Pick<RestoreReport, 'objects' | 'warnings'>;

/**
 * Never restored. With an oplog, mongorestore takes no such list: users and roles are restored then, into a server that
 * asks nobody for a password.
 */
const LEFT_OUT = ['admin.system.*', 'config.*', 'local.*'];

/** Its last line, since 100.0. */
const TALLY = /(\d+) document\(s\) restored successfully\. (\d+) document\(s\) failed to restore/;

/** Restores the bytes of an archive with mongorestore, which reads them from its stdin. */
export async function restoreArchiveByTool(
  server: RunningMongod,
  tool: DatabaseTool,
  archive: { readonly facts: MongoFacts; readonly prelude: ArchivePrelude; readonly stream: Readable },
  options: RestoreOptions,
  signal: AbortSignal,
): Promise<Done> {
  const stop = new AbortController();
  const input = feed(archive.stream, { onFault: () => stop.abort() });
  const { hasOplog } = archive.facts;
  const { collections } = archive.prelude;
  const run = { args: ['--archive'], input, stop: stop.signal, hasOplog };
  try {
    return await withOwnMetadata(server, { hasOplog, collections }, options, signal, () =>
      runTool(server, tool, run, options, signal),
    );
  } finally {
    await input.stop('drop');
  }
}

/** Restores a directory with mongorestore, which reads it where it is shown inside, or where it was carried. */
export async function restoreDirectoryByTool(
  server: RunningMongod,
  tool: DatabaseTool,
  dump: {
    readonly artefact: Extract<Artefact, { form: 'directory' }>;
    readonly facts: MongoFacts;
    readonly layout: DirectoryLayout;
    readonly collections: readonly DumpedCollection[];
  },
  options: RestoreOptions,
  signal: AbortSignal,
): Promise<Done> {
  const { artefact, facts, layout, collections } = dump;
  const totalBytes = artefact.sizeBytes;
  const tell = (bytes: number): void =>
    options.onProgress({ bytes: Math.min(bytes, totalBytes), totalBytes });
  const inside = await directoryInside(server.scratch, artefact.path, tell, signal);
  const args = [
    `--dir=${inside.path}`,
    ...(layout.wrapper === 'gzip' ? ['--gzip'] : []),
    ...(layout.flat ? [`--db=${options.fallbackDatabase}`] : []),
  ];
  const { hasOplog } = facts;
  const run = { args, ...(inside.mounted ? { onRead: tell } : {}), hasOplog };
  const done = await withOwnMetadata(server, { hasOplog, collections }, options, signal, () =>
    runTool(server, tool, run, options, signal),
  );
  tell(totalBytes);
  return done;
}

/**
 * What is loaded into is made by our own hand: mongorestore stops at an option that the server does not know, and does not
 * say which index it was. It makes what it finds missing itself: time series, and kinds that it alone knows. An oplog may
 * make and drop anything, so there all is left to mongorestore.
 */
async function withOwnMetadata(
  server: RunningMongod,
  dump: { readonly hasOplog: boolean; readonly collections: readonly DumpedCollection[] },
  { jobs }: RestoreOptions,
  signal: AbortSignal,
  load: () => Promise<void>,
): Promise<Done> {
  if (dump.hasOplog) {
    await load();
    return { warnings: [] };
  }
  const collections = restoredOf(dump.collections);
  const dropped = new DroppedOptions();
  const ours = collections.filter(({ kind }) => kind === 'collection' || kind === 'view');
  await withClient(server, signal, (client) => createAll(client, ours, dropped));
  await load();
  const indexes = await withClient(server, signal, (client) =>
    buildAllIndexes(client, collections, jobs, dropped),
  );
  return { objects: collections.length + indexes, warnings: dropped.warnings() };
}

interface ToolRun {
  readonly args: readonly string[];
  readonly hasOplog: boolean;
  readonly input?: Feed;
  readonly stop?: AbortSignal;
  readonly onRead?: (bytes: number) => void;
}

async function runTool(
  { scratch }: RunningMongod,
  tool: DatabaseTool,
  { args, hasOplog, input, stop, onRead }: ToolRun,
  { jobs, onOutput }: RestoreOptions,
  signal: AbortSignal,
): Promise<void> {
  const argv = [
    tool.path,
    `--uri=mongodb://${encodeURIComponent(`${scratch.innerSocketDir}/${SOCKET}`)}/`,
    ...args,
    `--numParallelCollections=${Math.max(1, jobs)}`,
    '--bypassDocumentValidation',
    '--stopOnError',
    ...(hasOplog
      ? ['--oplogReplay']
      : ['--noIndexRestore', ...LEFT_OUT.map((name) => `--nsExclude=${name}`)]),
  ] as const;
  const command: Command = {
    argv: onRead === undefined ? argv : watched(argv),
    ...(onRead === undefined ? {} : { stdout: readWatch(onRead) }),
    env: { LC_ALL: 'C', HOME: scratch.dataDir },
    ...(input === undefined ? {} : { stdin: input.stdin }),
    onStderr: onOutput,
  };
  const ended = await scratch
    .exec(command, AbortSignal.any([signal, ...(stop === undefined ? [] : [stop])]))
    .catch((cause: unknown) => ({ exitCode: -1, stderr: String(cause) }));
  // Of a live dump every byte is hashed.
  const fault = await input?.stop(ended.exitCode === 0 ? 'drain' : 'drop');
  if (signal.aborted) throw new MusterError('cancelled', 'The restore was cancelled.');
  if (fault !== undefined) throw fault;
  if (ended.exitCode === 0 && Number(TALLY.exec(ended.stderr)?.[2] ?? 0) === 0) return;
  const loss = await scratch.diagnose();
  throw new MusterError(
    loss?.reason ?? 'restore_failed',
    loss?.detail ??
      `mongorestore did not restore everything (exit code ${ended.exitCode}). On its worker, \`muster drill show ID --output\` has its words.`,
    { output: ended.stderr },
  );
}
