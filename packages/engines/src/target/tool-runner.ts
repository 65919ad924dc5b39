import { spawn } from 'node:child_process';
import { access, constants, readdir, readFile, stat } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { MusterError } from '@muster/core';
import type { Base, Command, ExecResult, ScratchHost } from '@muster/scratch';
import { othersMayRead } from '../restore/directory-inside.js';

/** Where the tools of a restore into a real server come from. */
export interface ToolRunner {
  /** The tool that reads what `major` wrote: of exactly that version, else the nearest newer one. @throws `tool_missing`. */
  find(name: string, major: number, signal: AbortSignal): Promise<Tool>;
}

/** One program, and how it is run. */
export interface Tool {
  /** e.g. `15.14` */
  readonly version: string;
  /** For people: `/usr/lib/postgresql/15/bin/pg_restore`. */
  readonly where: string;
  /** It is of this machine, and reads what its user may. */
  readonly isHere: boolean;
  /** Resolves when it ended, whatever its exit code. Aborting kills it. */
  run(command: ToolCommand, signal: AbortSignal): Promise<ExecResult>;
}

interface ToolCommand extends Omit<Command, 'argv'> {
  readonly args: readonly string[];
  /** It stands in no process list. */
  readonly secretEnv: Readonly<Record<string, string>>;
  /** The file or directory of this machine that it reads. */
  readonly reads?: string;
  /** What else of this machine it must see. */
  readonly directories: readonly string[];
  /** Now and then, how many bytes it and its workers have read. */
  readonly onRead?: (bytes: number) => void;
}

/** Where packages put the programs of PostgreSQL; the `PATH` comes after them. */
const PLACES = ['/usr/lib/postgresql', '/usr'] as const;
const MAX_OUTPUT = 64 * 1024;
const LOOK_MS = 1_000;

/** A tool that waits for its server would else outlive a restore that was killed. */
const DIES_WITH_US = `
if setpriv --pdeathsig KILL true 2>/dev/null; then exec setpriv --pdeathsig KILL "$@"; fi
exec "$@"
`;

/** The tools of this machine. `env`: its `PATH` is looked through where packages have not put just the right one. */
export const hostTools = (env: Readonly<Record<string, string | undefined>>): ToolRunner => ({
  find: async (name, major, signal) => {
    const packaged = await toolsIn(await packagedPlaces(), name, signal);
    const tool =
      nearest(packaged, major, (one) => one === major) ??
      nearest([...packaged, ...(await toolsIn(pathOf(env['PATH'] ?? ''), name, signal))], major);
    if (tool === undefined) throw toolMissing(name, major);
    return {
      version: tool.version,
      where: tool.path,
      isHere: true,
      run: (command, stop) => runHere([tool.path, ...command.args], command, stop),
    };
  },
});

interface FoundTool {
  readonly path: string;
  readonly version: string;
}

const majorOf = ({ version }: FoundTool): number => Number.parseInt(version, 10);

/** The oldest that is able. */
const nearest = (
  found: readonly FoundTool[],
  major: number,
  wanted: (one: number) => boolean = (one) => one >= major,
): FoundTool | undefined =>
  found.filter((tool) => wanted(majorOf(tool))).sort((a, b) => majorOf(a) - majorOf(b))[0];

/** The image whose tools take the place of those of this machine. */
export interface ToolImage {
  readonly host: ScratchHost;
  readonly base: Base;
  /** Where the tool is in it. */
  readonly tool: { readonly path: string; readonly version: string; readonly user: string };
}

/** The tools of this machine, else those of an image, which is looked for only then. */
export const toolsWithImage = (
  own: ToolRunner,
  image: (name: string, major: number, signal: AbortSignal) => Promise<ToolImage>,
): ToolRunner => ({
  find: async (name, major, signal) => {
    try {
      return await own.find(name, major, signal);
    } catch (missing) {
      const there = await image(name, major, signal).catch(() => undefined);
      if (there === undefined) throw missing;
      const { host, base, tool } = there;
      return {
        version: tool.version,
        where: `${tool.path} in the image ${base.image ?? ''}`.trim(),
        isHere: false,
        run: async ({ args, reads, directories, onRead: _unseen, ...command }, stop) =>
          await host.runNetworked(
            base,
            {
              ...command,
              argv: [tool.path, ...args],
              directories: reads === undefined ? directories : [reads, ...directories],
              user: reads === undefined ? tool.user : await whoReads(reads, tool.user),
            },
            stop,
          ),
      };
    }
  },
});

/** The user of an image is no one whom the files of this machine know: what only their owner may read, it reads as that. */
async function whoReads(path: string, user: string): Promise<string> {
  if (await othersMayRead(path)) return user;
  const { uid, gid } = await stat(path);
  return `${uid}:${gid}`;
}

const toolMissing = (name: string, major: number): MusterError =>
  new MusterError(
    'tool_missing',
    `There is no ${name} of version ${major} or newer on this machine, and no image that has one. Install it (Debian: apt-get install postgresql-client-${major}), or put it on the PATH.`,
  );

async function packagedPlaces(): Promise<readonly string[]> {
  const places = await Promise.all(
    PLACES.map(async (place) =>
      (await readdir(place).catch(() => []))
        .filter((entry) => place !== '/usr' || entry.startsWith('pgsql-'))
        .map((entry) => join(place, entry, 'bin')),
    ),
  );
  return places.flat();
}

const pathOf = (path: string): readonly string[] =>
  path.split(':').filter((directory) => directory.startsWith('/'));

async function toolsIn(
  directories: readonly string[],
  name: string,
  signal: AbortSignal,
): Promise<readonly FoundTool[]> {
  const found = await Promise.all(
    [...new Set(directories)].map(async (directory) => {
      const path = join(directory, name);
      const isThere = await access(path, constants.X_OK).then(
        () => true,
        () => false,
      );
      const version = isThere ? await versionOf(path, signal) : undefined;
      return version === undefined ? [] : [{ path, version }];
    }),
  );
  return found.flat();
}

async function versionOf(path: string, signal: AbortSignal): Promise<string | undefined> {
  const command = { args: [], secretEnv: {}, directories: [] };
  const within = AbortSignal.any([signal, AbortSignal.timeout(5_000)]);
  const said = await runHere([path, '--version'], command, within).catch(() => undefined);
  return said?.exitCode === 0 ? /(\d+(?:\.\d+)+|\d+(?=\D*$))/.exec(said.stdout)?.[1] : undefined;
}

/** Runs a tool of this machine, which sees no more of the environment than what it is given. */
function runHere(
  argv: readonly [string, ...string[]],
  { env, secretEnv, stdin, stdout, onStderr, onRead }: Omit<ToolCommand, 'args'>,
  signal: AbortSignal,
): Promise<ExecResult> {
  return new Promise((resolve, reject) => {
    const child = spawn('/bin/sh', ['-c', DIES_WITH_US, 'sh', ...argv], {
      env: { LC_ALL: 'C', PATH: '/usr/bin:/bin', ...env, ...secretEnv },
      stdio: ['pipe', 'pipe', 'pipe'],
      // Ctrl-C is ours to pass on.
      detached: true,
      signal,
      killSignal: 'SIGKILL',
    });
    const kept = { stdout: '', stderr: '' };
    const keep = (name: keyof typeof kept, text: string) => {
      kept[name] = (kept[name] + text).slice(-MAX_OUTPUT);
    };
    if (stdout !== undefined) child.stdout.pipe(stdout, { end: false });
    else child.stdout.setEncoding('utf8').on('data', (text: string) => keep('stdout', text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      keep('stderr', text);
      onStderr?.(text);
    });
    // A tool that has enough of its input closes it.
    child.stdin.on('error', () => undefined);
    if (stdin === undefined) child.stdin.end();
    else {
      stdin.once('error', () => child.kill('SIGKILL'));
      stdin.pipe(child.stdin);
    }
    const watch =
      onRead === undefined || child.pid === undefined ? undefined : watchReading(child.pid, onRead);
    child.once('error', (error) => {
      watch?.();
      reject(error);
    });
    child.once('close', (code) => {
      watch?.();
      resolve({ exitCode: code ?? -1, ...kept });
    });
  });
}

/** Looks each second at how much a process and its children have read. Returns how to end it. */
function watchReading(pid: number, onRead: (bytes: number) => void): () => void {
  const read = new Map<number, number>();
  const look = async (process: number): Promise<void> => {
    const io = await readFile(`/proc/${process}/io`, 'utf8').catch(() => '');
    const bytes = Number(/^rchar: (\d+)$/m.exec(io)?.[1] ?? Number.NaN);
    if (!Number.isNaN(bytes)) read.set(process, bytes);
  };
  const timer = setInterval(async () => {
    const children = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8').catch(() => '');
    await Promise.all([pid, ...children.split(' ').filter(Boolean).map(Number)].map(look));
    onRead([...read.values()].reduce((sum, bytes) => sum + bytes, 0));
  }, LOOK_MS);
  timer.unref();
  return () => clearInterval(timer);
}

/** Processes that a restore may use on a machine like this one. */
export const restoreJobs = (): number => Math.min(8, Math.max(1, availableParallelism()));
