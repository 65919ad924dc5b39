import { availableParallelism } from 'node:os';
import { LIBRARY_MISSING, MusterError } from '@muster/core';
import type { Scratch } from '@muster/scratch';
import { type Artefact, BACKUP_MOUNT, type RepositorySet } from '../../artefact.js';
import type { RestoreOptions, RestoreReport } from '../../engine.js';
import { directoryInside } from '../../restore/directory-inside.js';
import type { Installation } from '../probe.js';
import { withSession } from '../server/session.js';
import type { RunningServer } from '../server/start.js';
import { withSameManifest } from './examine-set.js';
import { prepareFiles } from './kept-files.js';
import { isPgbackrestFacts } from './pgbackrest-facts.js';
import { recover } from './recover.js';
import { runRestore } from './run-restore.js';
import { clusterPaths, toolPaths } from './tool-config.js';

/** A server that is restored first and then started: its data directory is the backup. */
export interface RestoredServer {
  /** @throws what {@link Server.restore} says. */
  restore(artefact: Artefact, options: RestoreOptions, signal: AbortSignal): Promise<RestoreReport>;
  /** @throws `internal` before it is restored. */
  running(): RunningServer;
}

export function pgbackrestServer(scratch: Scratch, installation: Installation): RestoredServer {
  let running: RunningServer | undefined;
  return {
    running: () => {
      if (running === undefined)
        throw new MusterError('internal', 'The server was asked before its restore.');
      return running;
    },
    restore: async (artefact, options, signal) => {
      const { facts } = options;
      if (artefact.form !== 'repository' || !isPgbackrestFacts(facts))
        throw new MusterError('internal', 'A dump was given to a server that is made for a backup set.');
      // Before anything is carried in beside them.
      const hasFiles =
        scratch.kept === 'kept' && (await prepareFiles(scratch, clusterPaths(scratch.dataDir), signal));
      const paths = toolPaths(scratch.dataDir, await repositoryInside(scratch, artefact, options, signal));
      const cpus = scratch.limits.cpus ?? availableParallelism();
      const target = options.recoverTo ?? { kind: 'latest' };
      const delta = await withSameManifest(artefact, signal, () =>
        runRestore(scratch, artefact, paths, options, hasFiles, signal),
      );
      const recovering = { set: artefact, facts, installation, paths, cpus, target };
      const { server, recovery, missingLibraries } = await recover(scratch, recovering, options, signal);
      running = server;
      return {
        databases: await databasesOf(server, signal),
        bytes: artefact.sizeBytes,
        warnings:
          missingLibraries.length === 0 ? [] : [{ code: LIBRARY_MISSING, count: missingLibraries.length }],
        ...(delta && { delta }),
        recovery,
      };
    },
  };
}

/** Where the repository is inside. One of its owner's is never carried: nobody knows how large it is. */
async function repositoryInside(
  scratch: Scratch,
  { path, sizeBytes, fetched }: RepositorySet,
  { onProgress }: Pick<RestoreOptions, 'onProgress'>,
  signal: AbortSignal,
): Promise<string> {
  if (fetched) {
    const tell = (bytes: number) => onProgress({ bytes: Math.min(bytes, sizeBytes), totalBytes: sizeBytes });
    return (await directoryInside(scratch, path, tell, signal)).path;
  }
  if (scratch.mounts) return BACKUP_MOUNT;
  throw new MusterError(
    'backup_unreadable',
    `The repository ${path} cannot be shown to the scratch: this worker shares no directory with its Docker host. Run the worker on that host, outside of a container.`,
  );
}

/** Those that a check can ask. */
const databasesOf = (server: RunningServer, signal: AbortSignal): Promise<readonly string[]> =>
  withSession(server, 'template1', signal, async (client) => {
    const { rows } = await client.query<{ datname: string }>(
      'SELECT datname FROM pg_catalog.pg_database WHERE datallowconn AND NOT datistemplate ORDER BY datname',
    );
    return rows.map(({ datname }) => datname);
  });
