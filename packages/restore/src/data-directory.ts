import { chown, mkdir, readdir, readFile, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { errnoOf, MusterError } from '@muster/core';

/** What is in a data directory before a backup set is restored into it. */
export interface DataDirectory {
  readonly path: string;
  /** The major version of the cluster in it; absent = there is none. */
  readonly version?: string;
  readonly isEmpty: boolean;
  /** Of its `pg_control`, which pgBackRest removes before anything else; absent = it has none, and no server starts. */
  readonly control?: string;
}

/**
 * Looks at a data directory; writes nothing. @throws `target_in_use` where its server runs, or did not end well;
 * `target_not_empty` where something else is in it, or a cluster and no `delta`.
 */
export async function surveyDirectory(path: string, delta: boolean): Promise<DataDirectory> {
  const names: readonly string[] = await readdir(path).catch((cause: unknown) => {
    if (errnoOf(cause) === 'ENOENT') return [];
    throw new MusterError('usage', `${path} cannot be looked at (${errnoOf(cause) ?? 'no directory'}).`, {
      cause,
    });
  });
  if (names.length === 0) return { path, isEmpty: true };
  await refuseRunning(path);
  const version = (await readFile(join(path, 'PG_VERSION'), 'utf8').catch(() => undefined))?.trim();
  const isOurs = version !== undefined || names.includes('backup.manifest');
  if (!delta || !isOurs)
    throw new MusterError(
      'target_not_empty',
      isOurs
        ? `The directory ${path} holds a cluster. Give --delta to bring it to what the backup is (what is right is kept, all else goes), or name another directory.`
        : `The directory ${path} is not empty, and holds no cluster: name another.`,
    );
  const control = await controlOf(path);
  return {
    ...{ path, isEmpty: false },
    ...(version !== undefined && { version }),
    ...(control !== undefined && { control }),
  };
}

const controlOf = (path: string): Promise<string | undefined> =>
  stat(join(path, 'global/pg_control')).then(
    ({ ino, ctimeMs }) => `${ino} ${ctimeMs}`,
    () => undefined,
  );

/** Whether a restore that failed had begun to write. */
export async function isTouched({ path, isEmpty, control }: DataDirectory): Promise<boolean> {
  if (isEmpty) return (await readdir(path).catch(() => [])).length > 0;
  return control === undefined || (await controlOf(path)) !== control;
}

async function refuseRunning(path: string): Promise<void> {
  const text = await readFile(join(path, 'postmaster.pid'), 'utf8').catch(() => undefined);
  if (text === undefined) return;
  const pid = Number.parseInt(text, 10);
  throw new MusterError(
    'target_in_use',
    isAlive(pid)
      ? `The server of ${path} runs (process ${pid}). Stop it, then run the same command again.`
      : `${path} has the postmaster.pid of a server that did not end well. See that none runs, remove that file, then run the same command again.`,
  );
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return errnoOf(error) === 'EPERM';
  }
}

/** Makes the directory where it is not there, for nobody but its owner, who is that of what it lies in. @throws `usage` */
export async function makeDirectory(path: string): Promise<void> {
  const made = await mkdir(path, { mode: 0o700, recursive: false }).then(
    () => true,
    (cause: unknown) => {
      if (errnoOf(cause) === 'EEXIST') return false;
      throw new MusterError(
        'usage',
        `${path} cannot be made (${errnoOf(cause)}): make it yourself, for the user of the server.`,
        { cause },
      );
    },
  );
  if (made && process.getuid?.() === 0) {
    const { uid, gid } = await stat(dirname(path));
    await chown(path, uid, gid);
  }
  const { uid } = await stat(path);
  if (uid === 0)
    throw new MusterError(
      'target_rights_missing',
      `${path} belongs to root, as whom no PostgreSQL runs: give it to the user of the server (chown postgres ${path}).`,
    );
}
