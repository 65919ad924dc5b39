import { type ErrorCode, MusterError, type RestoreWarning } from '@muster/core';
import { damageOf } from '../restore/archive-damage.js';
import { isHarmless } from '../restore/harmless.js';
import { warningsOf } from '../restore/judge.js';
import { ToolStderr } from '../restore/tool-complaints.js';
import { RAN_OUT } from '../server/ran-out.js';
import type { LogEntry } from '../server/server-log.js';

/** What the end of a tool is judged by. */
export interface TargetRun {
  readonly tool: 'pg_restore' | 'psql';
  readonly exitCode: number;
  readonly stderr: TargetStderr;
  /** psql alone: it took its input to the end and answered what followed it. */
  readonly finished: boolean;
}

/** A server that is nobody's scratch shows no log: what it complains about is told by the tool alone. */
const SERVER =
  /(?:could not execute query|COPY failed for table ".*"|returned by PQputCopy\w+|psql:<stdin>:\d+): (?<severity>ERROR|FATAL|PANIC): {2}(?:(?<sqlstate>[0-9A-Z]{5}): )?(?<message>.*)$/;
const COMMAND = /^Command was: (.*)$/;
const PSQL_STATEMENT = /^LINE \d+: (.*)$/;
const MAX_LINE = 4_096;

/**
 * pg_restore passes on a server's words without its code. By them, in the language that our sessions ask for, is known what
 * matters.
 */
const CODES: readonly (readonly [RegExp, string])[] = [
  [/^schema ".*" already exists$/, '42P06'],
  [/^extension ".*" already exists$/, '42710'],
  [/^unrecognized configuration parameter /, '42704'],
  [/No space left on device|could not extend file/, '53100'],
  [/^out of memory|out of shared memory/, '53200'],
  [/^extension ".*" is not available|could not open extension control file/, '0A000'],
  [/^role ".*" does not exist$/, '42704'],
  [/^permission denied|^must be (?:owner|superuser)/, '42501'],
  [/^terminating connection|the database system is (?:shutting down|in recovery|starting up)/, '57P01'],
  [/read-only transaction/, '25006'],
];

/** Follows the stderr of a tool that restores into a real server, a piece at a time. */
export class TargetStderr {
  readonly #tool: ToolStderr;
  readonly #entries: LogEntry[] = [];
  #rest = '';
  #open: Omit<LogEntry, 'statement'> | undefined;

  constructor(tool: 'pg_restore' | 'psql') {
    this.#tool = new ToolStderr(tool);
  }

  /** @returns complaints that came to their end. */
  write(text: string): void {
    this.#tool.write(text);
    const lines = (this.#rest + text).split('\n');
    this.#rest = (lines.pop() ?? '').slice(0, MAX_LINE);
    for (const line of lines) this.#line(line);
  }

  /** One that healthy backups do not give has come. */
  get serious(): boolean {
    return this.#entries.some((entry) => !isHarmless(entry));
  }

  end(): { readonly own: readonly string[]; readonly server: readonly LogEntry[]; readonly all: number } {
    this.#line(this.#rest);
    this.#close('');
    const { own, server } = this.#tool.end();
    return { own, server: this.#entries, all: server.length };
  }

  #line(line: string): void {
    const command = (COMMAND.exec(line) ?? PSQL_STATEMENT.exec(line))?.[1];
    if (this.#open !== undefined && command !== undefined) {
      this.#close(command);
      return;
    }
    const found = SERVER.exec(line)?.groups;
    if (found === undefined) return;
    this.#close('');
    const message = found['message'] ?? '';
    const sqlstate = found['sqlstate'] ?? CODES.find(([words]) => words.test(message))?.[1] ?? 'XX000';
    this.#open = { pid: 0, sqlstate, severity: found['severity'] as LogEntry['severity'], message };
    // psql tells the statement only where it can point into it.
    if (/psql:/.test(line)) this.#close(statementOf(this.#open));
  }

  #close(sql: string): void {
    if (this.#open !== undefined) this.#entries.push({ ...this.#open, statement: tagOf(sql) });
    this.#open = undefined;
  }
}

/** Of the harmless complaints psql names no statement; each can come from one kind alone. */
function statementOf({ sqlstate, message }: Omit<LogEntry, 'statement'>): string {
  if (sqlstate === '42P06') return 'CREATE SCHEMA';
  if (sqlstate === '42710' && message.startsWith('extension ')) return 'CREATE EXTENSION';
  return message.startsWith('unrecognized configuration parameter ') ? 'SET' : '';
}

/** The command tag, as far as complaints are told apart by it. */
function tagOf(sql: string): string {
  const words = sql
    .trim()
    .split(/\s+/, 2)
    .map((word) => word.toUpperCase());
  const [first = '', second = ''] = words.map((word) => word.replace(/[^A-Z].*$/s, ''));
  return /^(?:CREATE|ALTER|DROP|COMMENT)$/.test(first) ? `${first} ${second}`.trim() : first;
}

/** Judges a restore as a drill does. Returns what was complained about without harm. @throws why it is not sound. */
export function judgeTarget({ tool, exitCode, stderr, finished }: TargetRun): readonly RestoreWarning[] {
  const { own, server, all } = stderr.end();
  const serious = server.filter((entry) => !isHarmless(entry));
  const exit = tool === 'pg_restore' && server.length > 0 ? 1 : 0;
  const calm = serious.length === 0 && own.length === 0 && all === server.length && exitCode === exit;
  if (calm && (tool === 'pg_restore' || finished)) return warningsOf(server);

  const fault = (code: ErrorCode, message: string) => new MusterError(code, message);
  const ranOut = serious.map(({ sqlstate }) => RAN_OUT[sqlstate]).find((reason) => reason !== undefined);
  if (ranOut === 'scratch_disk_full')
    throw fault(
      'no_space',
      'The disk of the target is full. Make room there, then run the same command again.',
    );
  if (ranOut === 'scratch_out_of_memory')
    throw fault('target_lost', 'The target ran out of memory while it restored. See its log and its limits.');
  const lost =
    serious.some(({ sqlstate, severity }) => /^(?:57P|08)/.test(sqlstate) || severity !== 'ERROR') ||
    own.some((line) =>
      /connection to server|server closed the connection|terminating connection|could not connect/.test(line),
    );
  if (lost)
    throw fault(
      'target_lost',
      'The connection to the target broke while it restored. See whether its server runs and the network is well, then run the same command again.',
    );
  if (serious.some(({ sqlstate }) => sqlstate === '25006'))
    throw fault('target_read_only', 'The target became read-only while it restored. Look for its primary.');
  if (serious.some(({ sqlstate }) => sqlstate === '0A000' || sqlstate === '58P01'))
    throw fault(
      'extension_missing',
      'The backup needs an extension that the target has not; the output of the tool names it.',
    );
  const damage = damageOf(own);
  if (damage === 'truncated')
    throw fault(
      'truncated',
      'The backup ends before its end. Look at how it was copied, or restore another.',
    );
  if (damage === 'corrupt')
    throw fault('corrupt', 'The backup is damaged: its own tool cannot read it to its end. Restore another.');
  const codes = warningsOf(serious)
    .slice(0, 5)
    .map(({ sqlstate, statement, count }) => [sqlstate, statement, `×${count}`].filter(Boolean).join(' '));
  if (codes.length > 0)
    throw fault(
      'restore_failed',
      `${tool} met errors that healthy backups do not give: ${codes.join(', ')}. Its output has their words.`,
    );
  if (tool === 'psql' && exitCode === 0 && !finished)
    throw fault(
      'restore_failed',
      'The dump ends inside of a transaction or a statement of its own, so that what it restores is lost again.',
    );
  throw fault(
    'restore_failed',
    `${tool} did not come to its end (exit code ${exitCode}). Its output has its words.`,
  );
}
