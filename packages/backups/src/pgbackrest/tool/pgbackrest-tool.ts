import { stat } from 'node:fs/promises';
import { Writable } from 'node:stream';
import { MusterError } from '@muster/core';
import { type RunHere, runHere } from '@muster/engines';
import { ownDataDirectory } from '../own-config.js';
import type { RepositoryPlace } from '../repository-place.js';
import {
  asEnvironment,
  repositorySettings,
  serverSettings,
  type ToolServer,
  type WalCommand,
  walCommand,
} from './made-settings.js';
import { toolFault } from './tool-fault.js';

/** What pgBackRest on this machine is told of a stanza. */
export interface ToolSpec {
  readonly stanza: string;
  readonly configured: /** By a `pgbackrest.conf` of its owner, as that is. */
    | { readonly by: 'config'; readonly path: string }
    /** By Muster, and by no file at all. */
    | {
        readonly by: 'place';
        /** @throws `secret_unavailable` */
        readonly place: () => Promise<RepositoryPlace>;
        /** Of commands that need the server. */
        readonly server?: ToolServer;
      };
  /** Of this process: of it the tool gets `PATH` and `TZ`, and the authorities that `NODE_EXTRA_CA_CERTS` names. */
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** The pgBackRest of this machine, for one stanza and its first repository. */
export interface PgbackrestTool {
  /**
   * Runs one command to its end: as the owner of the server's files, or else of the repository's, where this process may
   * become that; else as itself. Its locks are those of any other pgBackRest of this machine. It dies with this process.
   * @param options - on the command line, so never a secret. @param onLine - each line that it prints.
   * @returns what it printed, of `info` all and of others the last 64 KiB. @throws what {@link toolFault} says, `cancelled`.
   */
  run(
    command: 'backup' | 'expire' | 'info' | 'restore',
    options: readonly string[],
    onLine: (line: string) => void,
    signal: AbortSignal,
  ): Promise<string>;
  /**
   * How the server of the data directory is to get its WAL while it recovers; undefined where its own `pgbackrest.conf`
   * tells, which pgBackRest then writes down by itself. @throws `secret_unavailable`, `usage`.
   */
  walCommand(dataDirectory: string): Promise<WalCommand | undefined>;
}

/** It tells its own processes to end, which hold its lock. */
const GRACE_MS = 10_000;

export function pgbackrestTool(spec: ToolSpec): PgbackrestTool {
  const { stanza, configured, env } = spec;
  return {
    async run(command, options, onLine, signal) {
      signal.throwIfAborted();
      const [environment, as] = await Promise.all([environmentOf(spec), ownerOf(spec, signal)]);
      const lines = linesInto(onLine, command === 'info' ? LONGEST_INFO : MOST_KEPT);
      const argv = [
        'pgbackrest',
        configured.by === 'config' ? `--config=${configured.path}` : '--no-config',
        `--stanza=${stanza}`,
        ...options,
        command,
      ] as const;
      const given = {
        ...(env['PATH'] !== undefined && { PATH: env['PATH'] }),
        // Its labels are local time, and must never go back.
        ...(env['TZ'] !== undefined && { TZ: env['TZ'] }),
        ...environment,
      };
      const ended = await runHere(argv, given, lines.stream, signal, { as, graceMs: GRACE_MS }).catch(
        (cause: unknown) => {
          if (!signal.aborted) throw cause;
          throw new MusterError('cancelled', `The ${command} of pgBackRest was cancelled.`, { cause });
        },
      );
      const printed = lines.end();
      if (ended.exitCode === 0) return printed;
      throw toolFault(`${printed}\n${ended.stderr}`, ended.exitCode, { stanza, command });
    },
    walCommand: async (dataDirectory) =>
      configured.by === 'config'
        ? undefined
        : walCommand(stanza, dataDirectory, await repositoryOf(configured.place, env)),
  };
}

async function environmentOf({ configured, env }: ToolSpec): Promise<Record<string, string>> {
  if (configured.by === 'config') return {};
  const [repository, server] = await Promise.all([
    repositoryOf(configured.place, env),
    configured.server && serverSettings(configured.server),
  ]);
  return {
    ...asEnvironment({ ...repository, ...server?.settings, 'start-fast': 'y', 'log-level-file': 'off' }),
    ...server?.libpq,
  };
}

const repositoryOf = async (place: () => Promise<RepositoryPlace>, env: ToolSpec['env']) =>
  repositorySettings(await place(), env['NODE_EXTRA_CA_CERTS'] || undefined);

/** What root writes into a repository its owner could not read. */
async function ownerOf({ stanza, configured }: ToolSpec, signal: AbortSignal): Promise<RunHere['as']> {
  if (process.getuid?.() !== 0) return undefined;
  const candidates =
    configured.by === 'config'
      ? [await ownDataDirectory(configured.path, stanza, signal), configured.path]
      : [configured.server?.dataDirectory, await directoryOf(configured.place)];
  for (const path of candidates) {
    const owner = path === undefined ? undefined : await stat(path).catch(() => undefined);
    if (owner !== undefined) return owner.uid === 0 ? undefined : { uid: owner.uid, gid: owner.gid };
  }
  return undefined;
}

async function directoryOf(place: () => Promise<RepositoryPlace>): Promise<string | undefined> {
  const found = await place();
  return found.type === 'directory' ? found.path : undefined;
}

const MOST_KEPT = 64 * 1024;
/** More than it says of thousands of sets. */
const LONGEST_INFO = 64 * 1024 * 1024;

function linesInto(
  onLine: (line: string) => void,
  mostKept: number,
): {
  readonly stream: Writable;
  readonly end: () => string;
} {
  let rest = '';
  let kept = '';
  const stream = new Writable({
    decodeStrings: true,
    write(piece: Buffer, _encoding, done) {
      const text = piece.toString('utf8');
      kept = (kept + text).slice(-mostKept);
      const lines = (rest + text).split('\n');
      rest = (lines.pop() ?? '').slice(-MOST_KEPT);
      for (const line of lines) onLine(line);
      done();
    },
  });
  return {
    stream,
    end: () => {
      if (rest !== '') onLine(rest);
      return kept;
    },
  };
}
