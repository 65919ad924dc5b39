import { constants, createReadStream } from 'node:fs';
import { PassThrough, type Readable } from 'node:stream';
import { errnoOf, isMusterError, MusterError } from '@muster/core';
import { drained } from './drained.js';
import { FLOW_BUFFER_BYTES } from './flow-buffer.js';

/** Opened so, a pipe that nobody writes to is empty; else the open would wait for ever, and no signal ends that. */
export const READ_NOW = constants.O_RDONLY | constants.O_NONBLOCK;

/** As Node takes it for a stream too, whose types know only words. */
const STREAM_NOW = READ_NOW as unknown as string;

/** The bytes of a backup file. A fault of reading becomes `backup_unreadable`. */
export function readBackup(path: string, signal: AbortSignal): Readable {
  return createReadStream(path, { flags: STREAM_NOW, highWaterMark: 1024 * 1024, signal });
}

/** `error` as what it means while the bytes of a backup are read. */
export function readingError(error: unknown): MusterError {
  if (isMusterError(error)) return error;
  const code = errnoOf(error);
  return new MusterError(
    'backup_unreadable',
    code === 'EACCES' || code === 'EPERM'
      ? 'The backup may not be read by the user that runs Muster: give them the right to.'
      : 'The backup could not be read to its end. Look at the place where it is kept, then drill again.',
    { cause: error },
  );
}

export interface Feed {
  /** For a tool's stdin. */
  readonly stdin: Readable;
  /**
   * The tool has ended. Where `rest` is `drain` the rest of the source flows to its end (a live dump is hashed whole),
   * else the source is let go. Resolves when nothing flows any more, with what went wrong on the way.
   */
  readonly stop: (rest: 'drain' | 'drop') => Promise<MusterError | undefined>;
}

/** Lets the bytes of `source` flow into a tool. A fault of the source ends the tool's input and calls `onFault`. */
export function feed(
  source: Readable,
  options: {
    /** Flows before the first byte and after the last byte of the source. */
    readonly head?: string;
    readonly tail?: string;
    readonly onFault: () => void;
  },
): Feed {
  const stdin = new PassThrough({ highWaterMark: FLOW_BUFFER_BYTES });
  stdin.on('error', () => undefined);
  let fault: MusterError | undefined;
  let dropped = false;
  const flow = async () => {
    try {
      if (options.head) stdin.write(options.head);
      for await (const chunk of source) {
        if (dropped) return;
        if (stdin.writable && !stdin.write(chunk)) await drained(stdin);
      }
      if (stdin.writable) stdin.end(options.tail);
    } catch (error) {
      if (dropped) return;
      fault = readingError(error);
      stdin.destroy();
      options.onFault();
    }
  };
  const flowing = flow();
  return {
    stdin,
    stop: async (rest) => {
      dropped ||= rest === 'drop';
      stdin.destroy();
      if (dropped) source.destroy();
      await flowing;
      return fault;
    },
  };
}
