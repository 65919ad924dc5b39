/** Fields of a log line: ids, counts, codes. Never text of a check, data, or an error's own message of a tool. */
export type LogFields = Readonly<Record<string, string | number | boolean | undefined>>;

/** Says what a service does, one line an event: JSON, or for people on a terminal. */
export interface Logger {
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  /** `error`: its code, and its message where it is a MusterError; of any other just its name, with the stack at debug level. */
  error(message: string, error?: unknown, fields?: LogFields): void;
  /** The same, with these fields on every line. */
  child(fields: LogFields): Logger;
}
