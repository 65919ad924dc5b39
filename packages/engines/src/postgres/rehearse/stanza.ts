import { MusterError } from '@muster/core';
import type { Scratch } from '@muster/scratch';
import type { Archives } from '../../engine.js';
import { toolDump } from '../../live/tool-dump.js';
import { shellQuote } from '../../shell-quote.js';
import { writeConfig } from '../pgbackrest/run-restore.js';
import { type ToolPaths, toolConfig, toolPaths } from '../pgbackrest/tool-config.js';
import { faultsIn } from '../pgbackrest/tool-faults.js';
import { linesOf } from '../pgbackrest/tool-lines.js';
import { PORT } from '../server/client.js';
import { readCarried } from './carried.js';

/** A stanza of pgBackRest and its repository, inside of the scratch that stands in for production. */
export interface StandInStanza {
  /** Makes it: from now on the server archives into it. @throws `take_failed`, `scratch_*`. */
  create(signal: AbortSignal): Promise<void>;
  /**
   * Runs one command to its end. `onLine` gets each line that it prints.
   * @returns what it printed, of `info` all and of others the last 64 KiB. @throws `take_failed`, `scratch_*`, `cancelled`.
   */
  run(
    command: string,
    options: readonly string[],
    onLine: (line: string) => void,
    signal: AbortSignal,
  ): Promise<string>;
  /**
   * Brings the repository out of the scratch, into an empty directory of this machine: what is there survives the scratch.
   * @throws `take_failed`, `scratch_disk_full` where it is larger than that, `scratch_*`, `cancelled`.
   */
  carryOut(directory: string, mostBytes: number, signal: AbortSignal): Promise<void>;
}

const pathsIn = ({ dataDir }: Pick<Scratch, 'dataDir'>): ToolPaths =>
  toolPaths(dataDir, `${dataDir}/repository`);

/** Of a server that archives. What is written before there is a stanza is nobody's, and is let go. */
export function archiveSettings(
  scratch: Pick<Scratch, 'dataDir'>,
  { stanza }: Archives,
): Readonly<Record<string, string>> {
  const { config, repository } = pathsIn(scratch);
  const isThere = `test -e ${shellQuote(`${repository}/archive/${stanza}/archive.info`)}`;
  const push = `pgbackrest --config=${shellQuote(config)} --stanza=${shellQuote(stanza)} archive-push "%p"`;
  return {
    wal_level: 'replica',
    archive_mode: 'on',
    archive_command: `if ${isThere}; then ${push}; fi`,
  };
}

/** Of thousands of sets it says less. */
const LONGEST_INFO = 16 * 1024 * 1024;

/** $1: a directory. Each of its files as a line `size path` and its bytes. */
const PACK = `
cd "$1" && exec find . -type f -exec sh -c '
for file do
  size=$(wc -c < "$file") && printf "%d %s\\n" "$size" "$file" && head -c "$size" "$file" || exit 1
done' sh {} +
`;

/** @param jobs - processes of a backup. */
export function standInStanza(
  scratch: Scratch,
  { stanza, jobs }: Archives & { readonly jobs: number },
): StandInStanza {
  const paths = pathsIn(scratch);
  const run: StandInStanza['run'] = async (command, options, onLine, signal) => {
    const isInfo = command === 'info';
    const tell = (line: string) => {
      onLine(line);
      return true;
    };
    const lines = linesOf(tell, isInfo ? LONGEST_INFO : undefined);
    const { exitCode, stderr } = await scratch.exec(
      {
        argv: ['pgbackrest', `--config=${paths.config}`, `--stanza=${stanza}`, ...options, command],
        env: { LC_ALL: 'C', TZ: 'UTC' },
        stdout: lines.stream,
      },
      signal,
    );
    const printed = lines.kept();
    if (exitCode === 0) return printed;
    throw toolFault(command, exitCode, `${printed}\n${stderr}`);
  };
  return {
    run,
    create: async (signal) => {
      const server = [
        `pg1-socket-path=${scratch.innerSocketDir}`,
        `pg1-port=${PORT}`,
        'pg1-user=postgres',
        'start-fast=y',
        // Few files instead of a thousand, where the version knows how.
        'repo1-bundle=y',
      ];
      await writeConfig(scratch, paths, toolConfig({ stanza }, paths, jobs, server), signal);
      await run('stanza-create', [], () => undefined, signal);
    },
    carryOut: async (directory, mostBytes, signal) => {
      const packed = toolDump(
        'sh',
        (stdout, stop) => scratch.exec({ argv: ['sh', '-c', PACK, 'sh', paths.repository], stdout }, stop),
        signal,
        ({ stderr }) =>
          new MusterError('take_failed', 'The repository could not be read out of the scratch.', {
            output: stderr,
          }),
      );
      await readCarried(packed, directory, mostBytes);
    },
  };
}

function toolFault(command: string, exitCode: number, output: string): MusterError {
  const [fault] = faultsIn(output);
  const told = fault === undefined ? `exit code ${exitCode}` : `error ${fault.code}`;
  return /No space left on device/.test(output)
    ? new MusterError(
        'scratch_disk_full',
        'The backup did not fit the scratch, beside what it is of: raise scratch.disk of the source.',
        { output },
      )
    : new MusterError(
        'take_failed',
        `pgBackRest did no ${command} of what stands in for production (${told}): its own words are on this machine.`,
        { output },
      );
}
