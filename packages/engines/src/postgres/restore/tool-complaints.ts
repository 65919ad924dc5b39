import { damageOf } from './archive-damage.js';

/** What pg_restore or psql printed on stderr, reduced to what is judged. */
export interface ToolComplaints {
  /** Complaints of the server that the tool passed on; the SQLSTATE where the tool prints it (psql does). */
  readonly server: readonly { readonly sqlstate?: string }[];
  /** The tool's own faults: about the archive, the connection, itself. */
  readonly own: readonly string[];
}

/** Longest line that is kept: a complaint's own words stand at its beginning. */
const MAX_LINE = 4_096;
/** More complaints than this are not kept: the restore has failed anyway. */
const MAX_KEPT = 10_000;

const PSQL_SERVER = /^psql:<stdin>:\d+: (?:ERROR|FATAL|PANIC): {2}([0-9A-Z]{5}): /;
const PSQL_OWN = /^psql:(?:<stdin>:\d+:)? (?:error: )?(.*)$/;
/** `[archiver (db)]` and the like stand there before version 12. */
const RESTORE = /(?:^pg_restore: \[[^\]]*\] |(?:^|pg_restore: )error: |^(?=out of memory$))(.*)$/;
/**
 * Parallel workers share stderr, and write "pg_restore: ", "error: " and the words of a line one by one: another's line
 * may stand between them. Here are the words of another behind "error: ", whose own are still to come.
 */
const TORN = /error: pg_restore: /;
/** Counted wherever it stands, for the same reason. */
const RESTORE_SERVER =
  /(?:could not execute query|COPY failed for table ".*"|returned by PQputCopy\w+): (?:ERROR|FATAL|PANIC): {2}/;
const RESTORE_NOISE =
  /^(?:pg_restore: |Error (?:while|from TOC)|could not execute query|COPY failed for table|error returned by PQputCopy)/;

/** Follows a tool's stderr, a piece at a time. */
export class ToolStderr {
  #rest = '';
  #torn = false;
  #server: { readonly sqlstate?: string }[] = [];
  #own: string[] = [];
  readonly #tool: 'psql' | 'pg_restore';

  constructor(tool: 'psql' | 'pg_restore') {
    this.#tool = tool;
  }

  write(text: string): void {
    const lines = (this.#rest + text).split('\n');
    this.#rest = (lines.pop() ?? '').slice(0, MAX_LINE);
    for (const line of lines) this.#line(line);
  }

  end(): ToolComplaints {
    if (this.#rest !== '') this.#line(this.#rest);
    this.#rest = '';
    return { server: this.#server, own: this.#own };
  }

  #line(line: string): void {
    if (this.#server.length + this.#own.length >= MAX_KEPT) return;
    if (this.#tool === 'psql') {
      const sqlstate = PSQL_SERVER.exec(line)?.[1];
      if (sqlstate !== undefined) this.#server.push({ sqlstate });
      else {
        const own = PSQL_OWN.exec(line)?.[1];
        if (own !== undefined && !/^(?:WARNING|NOTICE|INFO|LOG|DEBUG): /.test(own)) this.#own.push(own);
      }
      return;
    }
    this.#torn ||= TORN.test(line);
    if (RESTORE_SERVER.test(line)) this.#server.push({});
    else {
      const own =
        RESTORE.exec(line)?.[1] ?? (this.#torn && damageOf([line]) !== undefined ? line : undefined);
      if (own !== undefined && !RESTORE_NOISE.test(own)) this.#own.push(own);
    }
  }
}
