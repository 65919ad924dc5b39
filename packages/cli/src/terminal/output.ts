import { stripVTControlCharacters } from 'node:util';
import type { Logger } from '@muster/telemetry';
import { orderedJson } from './ordered-json.js';
import { createStyle, type Style, wantsColour } from './style.js';

/** The part of a stream that is written to. */
export interface Stream {
  readonly isTTY?: boolean;
  readonly columns?: number;
  write(text: string): unknown;
}

export interface OutputOptions {
  readonly json: boolean;
  readonly quiet: boolean;
  readonly color: boolean;
  /** Told of {@link Output.logTo}. */
  readonly onLog?: ((log: Logger) => void) | undefined;
}

/**
 * Where a command speaks. Results go to stdout, for people as lines or with `--json` as exactly one document; all else
 * (progress, notes, faults) goes to stderr, so that a pipe gets nothing but results.
 */
export interface Output {
  readonly json: boolean;
  readonly quiet: boolean;
  /** Of stdout. */
  readonly style: Style;
  /** Of stderr. */
  readonly errStyle: Style;
  /** Columns of stdout; plenty where it is no terminal. */
  readonly width: number;
  readonly stderr: Stream;
  /** Is there a person at stderr to watch something move? */
  readonly live: boolean;
  /** The one result of a command (a Map in it is an object whose keys keep their order); `lines` is called only without `--json`. A second call is a bug, and throws. */
  result(document: unknown, lines: () => readonly string[]): void;
  /** Further lines for people on stdout, of a command that goes on after its result. */
  more(lines: readonly string[]): void;
  /** A line for people beside the result, on stderr; not with `--quiet`. */
  note(line: string): void;
  /** A line on stderr in any case. */
  alert(line: string): void;
  /** What a service says beside its log is from now on of its log, for whoever reads that reads nothing else. */
  logTo(log: Logger): void;
  /** Where that was asked for. */
  readonly log: Logger | undefined;
}

const NO_TERMINAL_WIDTH = 400;

export function createOutput(
  stdout: Stream,
  stderr: Stream,
  env: Readonly<Record<string, string | undefined>>,
  options: OutputOptions,
): Output {
  let done = false;
  let log: Logger | undefined;
  return {
    json: options.json,
    quiet: options.quiet,
    style: createStyle(wantsColour(stdout, env, options.color)),
    errStyle: createStyle(wantsColour(stderr, env, options.color)),
    width: (stdout.isTTY && stdout.columns) || NO_TERMINAL_WIDTH,
    stderr,
    live: stderr.isTTY === true && !options.quiet && env['TERM'] !== 'dumb',
    result(document, lines) {
      if (done) throw new Error('a command has one result');
      done = true;
      if (options.json) stdout.write(`${orderedJson(document)}\n`);
      else
        stdout.write(
          lines()
            .map((line) => `${line}\n`)
            .join(''),
        );
    },
    more(lines) {
      stdout.write(lines.map((line) => `${line}\n`).join(''));
    },
    note(line) {
      if (log !== undefined) log.info(stripVTControlCharacters(line));
      else if (!options.quiet) stderr.write(`${line}\n`);
    },
    alert(line) {
      if (log !== undefined) log.error(stripVTControlCharacters(line));
      else stderr.write(`${line}\n`);
    },
    logTo(to) {
      log = to;
      options.onLog?.(to);
    },
    get log() {
      return log;
    },
  };
}
