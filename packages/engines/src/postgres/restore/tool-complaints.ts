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
const RESTORE = /(?:^pg_restore: \[[^\]]*\] |pg_restore: error: |^(?=out of memory$))(.*)$/;
/** Counted wherever it stands: parallel workers share stderr and may write into each other's lines. */
const RESTORE_SERVER =
  /(?:could not execute query|COPY failed for table ".*"|returned by PQputCopy\w+): (?:ERROR|FATAL|PANIC): {2}/;
const RESTORE_NOISE =
  /^(?:Error (?:while|from TOC)|could not execute query|COPY failed for table|error returned by PQputCopy)/;

/** Follows a tool's stderr, a piece at a time. */
export class ToolStderr {
  #rest = '';
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
    if (RESTORE_SERVER.test(line)) this.#server.push({});
    else {
      const own = RESTORE.exec(line)?.[1];
      if (own !== undefined && !RESTORE_NOISE.test(own)) this.#own.push(own);
    }
  }
}
