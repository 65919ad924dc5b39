/** One complaint of a server in its log. */
export interface LogEntry {
  readonly pid: number;
  readonly sqlstate: string;
  /** The command tag of the statement, e.g. `CREATE SCHEMA`; empty outside of one. */
  readonly statement: string;
  readonly severity: 'ERROR' | 'FATAL' | 'PANIC';
  /** The primary message alone: it may hold data, so it is matched against and never passed on. */
  readonly message: string;
}

/**
 * What the server writes at the head of each message. With `log_error_verbosity = terse` and no statements logged a
 * message is one line; further lines of a message begin with a tab, which the server itself puts there.
 */
export const LOG_LINE_PREFIX = 'muster|%p|%e|%i|';
const LINE = /^muster\|(\d+)\|([0-9A-Z]{5})\|([^|]*)\|([A-Z]+):\s+(.*)$/s;
const READY = 'database system is ready to accept connections';
/** A line longer than this is cut; what is matched against stands at its beginning. */
const MAX_LINE = 64 * 1024;
/** More complaints than a tool's stderr is followed for, so that a flood never looks as if both agreed. */
const MAX_KEPT = 20_000;
const MAX_MESSAGE = 1024;

export interface LogListener {
  readonly onText: (text: string) => void;
  readonly onError?: (entry: LogEntry) => void;
  /** What is no complaint: the primary message, and the process that says it. */
  readonly onLog?: (message: string, pid: number) => void;
  /** A line that is not the server's own: what a program that it started wrote. */
  readonly onOther?: (line: string) => void;
}

/** Follows the log of one server as it comes. */
export class ServerLog {
  readonly ready: Promise<void>;
  #becomeReady: () => void;
  #rest = '';
  #tail = '';
  #errors: LogEntry[] = [];
  #marks = new Map<string, () => void>();
  #listener: LogListener | undefined;

  constructor() {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.ready = promise;
    this.#becomeReady = resolve;
  }

  /** The last of what was written, for a diagnosis file. */
  get tail(): string {
    return this.#tail;
  }

  write(text: string): void {
    this.#listener?.onText(text);
    this.#tail = (this.#tail + text).slice(-MAX_LINE);
    const lines = (this.#rest + text).split('\n');
    this.#rest = (lines.pop() ?? '').slice(0, MAX_LINE);
    for (const line of lines) this.#line(line);
  }

  /** Passes on what the server writes until the returned function is called. */
  listen(listener: LogListener): () => void {
    this.#listener = listener;
    return () => {
      if (this.#listener === listener) this.#listener = undefined;
    };
  }

  /** What was complained about since the last call. */
  takeErrors(): readonly LogEntry[] {
    const errors = this.#errors;
    this.#errors = [];
    return errors;
  }

  /** Resolves when the log says `mark`: then everything that was written before has been read. */
  reached(mark: string): Promise<void> {
    return new Promise((resolve) => this.#marks.set(mark, resolve));
  }

  #line(line: string): void {
    const entry = LINE.exec(line);
    if (entry === null) {
      this.#listener?.onOther?.(line);
      return;
    }
    const [, pid = '', sqlstate = '', statement = '', severity = '', message = ''] = entry;
    if (severity === 'LOG') {
      if (message === READY) this.#becomeReady();
      this.#marks.get(message)?.();
      this.#marks.delete(message);
      this.#listener?.onLog?.(message, Number(pid));
    } else if (severity === 'ERROR' || severity === 'FATAL' || severity === 'PANIC') {
      const kept = message.slice(0, MAX_MESSAGE);
      const error: LogEntry = { pid: Number(pid), sqlstate, statement, severity, message: kept };
      if (this.#errors.length < MAX_KEPT) this.#errors.push(error);
      this.#listener?.onError?.(error);
    }
  }
}
