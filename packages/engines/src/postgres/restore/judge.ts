import { type ErrorCode, MusterError, type RestoreWarning } from '@muster/core';
import type { Loss } from '@muster/scratch';
import { RAN_OUT } from '../server/ran-out.js';
import type { LogEntry } from '../server/server-log.js';
import { damageOf } from './archive-damage.js';
import { isHarmless } from './harmless.js';
import type { ToolComplaints } from './tool-complaints.js';

/** Everything that was seen of one run of a restore tool. */
export interface RestoreRun {
  readonly tool: 'pg_restore' | 'psql';
  readonly exitCode: number;
  readonly complaints: ToolComplaints;
  /** What the server's own log says of the same time. */
  readonly log: readonly LogEntry[];
  /** What the scratch knows to be the cause, if anything went wrong. */
  readonly loss: Loss | undefined;
  /** The server after it: it answers us, it answers and lets us in no more, or it does not answer. */
  readonly after: 'there' | 'closed' | 'lost';
  /** psql alone: it took its input to the end and answered what followed it. */
  readonly finished: boolean;
}

/** By SIGKILL or SIGTERM, which no damage of a backup sends. */
const KILLED: ReadonlySet<number> = new Set([137, 143]);

/**
 * Judges a restore. Returns what was complained about without harm.
 * @throws the reason why it is not sound.
 */
export function judge(run: RestoreRun): readonly RestoreWarning[] {
  const serious = run.log.filter((entry) => !isHarmless(entry));
  const counts = run.complaints.server.length === run.log.length;
  const matched =
    counts &&
    run.complaints.server.every(
      ({ sqlstate }, index) => sqlstate === undefined || sqlstate === run.log[index]?.sqlstate,
    );
  const [own] = run.complaints.own;
  // pg_restore ends with 1 where it went on after complaints, psql with 0.
  const exit = run.tool === 'pg_restore' && run.log.length > 0 ? 1 : 0;
  const sound =
    run.loss === undefined &&
    run.after === 'there' &&
    serious.length === 0 &&
    matched &&
    own === undefined &&
    run.exitCode === exit &&
    (run.tool === 'pg_restore' || run.finished);
  if (sound) return warningsOf(run.log);

  const fault = (code: ErrorCode, message: string) => new MusterError(code, message);
  const ranOut = new Set([run.loss?.reason, ...run.log.map(({ sqlstate }) => RAN_OUT[sqlstate])]);
  if (ranOut.has('scratch_disk_full')) {
    throw fault('scratch_disk_full', 'The backup does not fit the scratch: give it more `scratch.disk`.');
  }
  if (ranOut.has('scratch_out_of_memory')) {
    throw fault('scratch_out_of_memory', 'The restore ran out of memory: give it more `scratch.memory`.');
  }
  if (run.loss !== undefined || run.after === 'lost') {
    throw fault('scratch_lost', 'The server in the scratch ended while it restored.');
  }
  if (
    KILLED.has(run.exitCode) &&
    own === undefined &&
    serious.every(({ sqlstate }) => sqlstate.startsWith('08'))
  ) {
    throw fault(
      'scratch_lost',
      `${run.tool} was killed in the middle (exit code ${run.exitCode}): see whether the machine ran out of memory, then drill again.`,
    );
  }
  const extension = serious.find(isExtensionMissing);
  if (extension !== undefined) {
    const name = /"(?:\$libdir\/)?([A-Za-z0-9_.-]+)"/.exec(extension.message)?.[1];
    throw fault(
      'extension_missing',
      `The backup needs the extension ${name ?? 'that its output names'}, which the server has not. Name an image that has it with \`image:\`.`,
    );
  }
  if (serious.some(isLocaleMissing)) {
    throw fault(
      'locale_missing',
      'The backup sorts by a locale of its machine that the server has not; the diagnosis file names it. Name an image that has it with `image:`.',
    );
  }
  const damage = damageOf(run.complaints.own);
  if (damage === 'truncated') {
    throw fault('truncated', 'The backup ends before its end. Look at how it was copied, or take another.');
  }
  if (damage === 'corrupt') {
    throw fault('corrupt', 'The backup is damaged: its own tool cannot read it to its end.');
  }
  if (run.after === 'closed') {
    throw fault(
      'restore_failed',
      'The dump took from the server\'s superuser "postgres" the right to log in, or its other rights, so that nobody can look at what was restored. Dump with pg_dump, which leaves them alone.',
    );
  }
  throw fault('restore_failed', failure(run, serious));
}

/** One that is not installed, or cannot be loaded as this server was started; or its library, of a function outside of any. */
const isExtensionMissing = ({ statement, sqlstate, message }: LogEntry): boolean =>
  (statement === 'CREATE EXTENSION' && ['0A000', '58P01', '55000'].includes(sqlstate)) ||
  (statement === 'CREATE FUNCTION' && sqlstate === '58P01' && message.startsWith('could not access file "'));

/** A collation that a server finds in its operating system when it is made, and one that a dump makes of a locale. */
const isLocaleMissing = ({ statement, sqlstate, message }: LogEntry): boolean =>
  (sqlstate === '42704' &&
    /^collation "pg_catalog\..*" for encoding ".*" does not exist(?: at character \d+)?$/.test(message)) ||
  (statement === 'CREATE COLLATION' && /^could not create locale ".*": No such file/.test(message));

/** Codes alone: the words of the tool and the server may hold data. */
function failure(run: RestoreRun, serious: readonly LogEntry[]): string {
  const codes = warningsOf(serious)
    .slice(0, 5)
    .map(({ sqlstate, statement, count }) => `${sqlstate} ${statement ?? ''} ×${count}`.replace('  ', ' '));
  if (codes.length > 0) {
    return `${run.tool} met errors that healthy backups do not give: ${codes.join(', ')}. On its worker, \`muster drill show ID --output\` has their words.`;
  }
  if (run.complaints.server.length !== run.log.length) {
    return `${run.tool} reported ${run.complaints.server.length} errors of the server, whose own log has ${run.log.length}.`;
  }
  if (run.tool === 'psql' && run.exitCode === 0 && !run.finished) {
    return 'The dump ends inside of a transaction or a statement of its own, so that what it restores is lost again.';
  }
  return `${run.tool} did not come to its end (exit code ${run.exitCode}). On its worker, \`muster drill show ID --output\` has its words.`;
}

/** The same complaints as counts: codes alone, for the words of a server may hold data. */
export function warningsOf(log: readonly LogEntry[]): readonly RestoreWarning[] {
  const counts = new Map<string, { sqlstate: string; statement?: string; count: number }>();
  for (const { sqlstate, statement } of log) {
    const key = `${sqlstate} ${statement}`;
    const known = counts.get(key);
    if (known !== undefined) known.count += 1;
    else
      counts.set(key, {
        sqlstate,
        ...(statement === '' ? {} : { statement: statement.slice(0, 64) }),
        count: 1,
      });
  }
  return [...counts.values()];
}
