import { type Backup, type PgbackrestTool, selectBackup } from '@muster/backups';
import {
  isEvidence,
  MusterError,
  RESTORE_PREDICATE_TYPE,
  type RestorePoint,
  type RestoreStatement,
  restoreTime,
  STATEMENT_TYPE,
} from '@muster/core';
import { type DataDirectory, isTouched, makeDirectory, surveyDirectory } from './data-directory.js';
import type { RestoreEvent } from './restore-ports.js';

export interface RestoreSetPorts {
  readonly tool: Pick<PgbackrestTool, 'run' | 'walCommand'>;
  /** The sets there are, newest first; undefined where only pgBackRest can read the repository. */
  readonly list: (signal: AbortSignal) => Promise<readonly Backup[] | undefined>;
  /** Asks a person; `set` is absent where only pgBackRest can tell which it is. @throws `name_not_typed` */
  readonly confirm: (directory: DataDirectory, set: Backup | undefined, signal: AbortSignal) => Promise<void>;
  readonly observe: (event: RestoreEvent) => void;
  readonly output: (text: string) => void;
  readonly now: () => Date;
  readonly musterVersion: string;
}

export interface RestoreSetRequest {
  readonly restoreId: string;
  readonly slug: string;
  /** Of the repository, without credentials. */
  readonly location: string;
  readonly point: RestorePoint;
  /** Absolute. */
  readonly directory: string;
  readonly delta: boolean;
}

export interface RestoreSetOutcome {
  readonly statement: RestoreStatement;
  /** What state the directory is in. */
  readonly state: string;
  readonly error?: MusterError;
}

/** `restore file … (8KB, 12.34%) checksum …` */
const PERCENT = /\((?:.*, )?(\d{1,3}(?:\.\d+)?)%\)/;
const SET = /(?:restore backup set|repo1: restore backup set) (\d{8}-\d{6}F(?:_\d{8}-\d{6}[DI])?)/;

/**
 * Restores a backup set of pgBackRest into a data directory, whose server then recovers by itself when it is started.
 * @throws before anything is written: what {@link surveyDirectory}, {@link selectBackup} and `list` say, and what `confirm` does.
 */
export async function restoreSet(
  ports: RestoreSetPorts,
  request: RestoreSetRequest,
  signal: AbortSignal,
): Promise<RestoreSetOutcome> {
  const { directory, delta, point } = request;
  const { tool, now, observe } = ports;
  const target = targetOptions(point, now());
  const there = await surveyDirectory(directory, delta);
  const chosen = await chooseSet(ports, request, signal);
  const wal = await tool.walCommand(directory);
  await ports.confirm(there, chosen, signal);
  await makeDirectory(directory);
  const startedAt = now();
  observe({ type: 'phase', phase: 'restore' });
  let set = chosen?.id;
  let error: MusterError | undefined;
  await tool
    .run(
      'restore',
      [
        `--pg1-path=${directory}`,
        '--repo=1',
        ...target,
        ...(wal ? [`--recovery-option=restore_command=${wal.command}`] : []),
        ...(there.isEmpty ? [] : ['--delta']),
        '--log-level-console=detail',
        '--log-level-stderr=off',
      ],
      (line) => {
        set = SET.exec(line)?.[1] ?? set;
        const percent = PERCENT.exec(line)?.[1];
        if (percent === undefined) ports.output(`${line}\n`);
        else observe({ type: 'share', done: Number(percent) / 100 });
      },
      signal,
    )
    .catch((thrown: unknown) => {
      if (signal.aborted)
        error = new MusterError('cancelled', 'The restore was interrupted.', { cause: thrown });
      else if (thrown instanceof MusterError) error = thrown;
      else throw thrown;
    });
  const endedAt = now();
  const statement: RestoreStatement = {
    _type: STATEMENT_TYPE,
    subject: [],
    predicateType: RESTORE_PREDICATE_TYPE,
    predicate: {
      restore_id: request.restoreId,
      source: { slug: request.slug },
      kind: 'postgres',
      backup: { id: set ?? (point.kind === 'id' ? point.id : 'latest'), location: request.location },
      target: {
        place: directory,
        database: directory,
        server_version: there.version ?? '',
        before: { tables: 0, rows: 0, bytes: 0 },
      },
      phases: [
        {
          name: 'restore',
          started_at: startedAt.toISOString(),
          duration_ms: Math.round(endedAt.getTime() - startedAt.getTime()),
        },
      ],
      checks: [],
      ...(error === undefined
        ? { result: 'pass' as const }
        : { result: isEvidence(error) ? ('fail' as const) : ('error' as const), reason: error.code }),
      muster_version: ports.musterVersion,
      started_at: startedAt.toISOString(),
      ended_at: endedAt.toISOString(),
    },
  };
  const state =
    error === undefined
      ? `The files are in ${directory}. Start its server as its user (pg_ctl --pgdata=${directory} start, or its unit): it recovers by itself, and lets people in when it is done.${secretsOf(wal)}`
      : await stateAfterFault(there);
  return { statement, state, ...(error && { error }) };
}

/** pgBackRest would say it too, in words of its own, and after a person has agreed. */
async function chooseSet(
  { list, now }: RestoreSetPorts,
  { restoreId, location, point }: RestoreSetRequest,
  signal: AbortSignal,
): Promise<Backup | undefined> {
  const sets = await list(signal);
  const asking = { drillId: restoreId, askedAt: now(), location, now: now() };
  return sets && selectBackup(sets, point, asking).backup;
}

async function stateAfterFault(there: DataDirectory): Promise<string> {
  const { path, isEmpty } = there;
  if (!(await isTouched(there))) return `The directory ${path} is as it was${isEmpty ? ', empty' : ''}.`;
  return `${path} is half restored, and no server starts from it. Run the same command again${isEmpty ? ' with --delta, or empty the directory first' : ''}.`;
}

/** They are written down for nobody. */
function secretsOf(wal: Awaited<ReturnType<PgbackrestTool['walCommand']>>): string {
  if (wal === undefined || wal.secrets.length === 0) return '';
  const names = wal.secrets.map((name) => `PGBACKREST_${name.toUpperCase().replaceAll('-', '_')}`);
  return ` It reads WAL from the repository by itself, for which it must have ${names.join(', ')} in its environment, or ${wal.secrets.join(', ')} in the pgbackrest.conf of its machine.`;
}

/** Which set, and up to where its server replays. */
function targetOptions(point: RestorePoint, now: Date): readonly string[] {
  const promote = '--target-action=promote';
  switch (point.kind) {
    case 'latest':
      return ['--type=default'];
    case 'id':
      return [`--set=${point.id}`, '--type=immediate', promote];
    case 'time': {
      const at = restoreTime(point.time, now);
      if (at === undefined) break;
      return ['--type=time', `--target=${at.toISOString().replace('T', ' ').replace('Z', '+00')}`, promote];
    }
    case 'xid':
      return ['--type=xid', `--target=${point.xid}`, promote];
    case 'name':
      return ['--type=name', `--target=${inConfiguration(point.name)}`, promote];
    case 'lsn':
      return ['--type=lsn', `--target=${point.lsn}`, '--target-exclusive', promote];
  }
  throw new MusterError('usage', 'Into a directory the newest is restored, --backup ID, or --at a point.');
}

/** pgBackRest writes a target between quotes into the server's configuration, just as it is given. */
const inConfiguration = (text: string): string => text.replace(/['\\]/g, '$&$&');
