import { PassThrough } from 'node:stream';
import { isMusterError, type MusterError } from '@muster/core';
import { expander } from '../bytes/decompress.js';
import { drained } from '../bytes/drained.js';
import { readingError } from '../bytes/feed.js';
import type { Wrapper } from '../bytes/wrapper.js';
import type { ContentCheck } from './content-check.js';

/** Leads raw bytes through their wrapper into a check. The first fault ends the check, and is kept; reading goes on. */
export class ContentFlow {
  readonly #check: ContentCheck;
  readonly #pipe: PassThrough | undefined;
  readonly #checking: Promise<void>;
  #fault: MusterError | undefined;
  #over = false;

  constructor(check: ContentCheck, wrapper: Wrapper, limitBytes: number | undefined, signal: AbortSignal) {
    this.#check = check;
    if (wrapper === 'none') {
      this.#checking = Promise.resolve();
      return;
    }
    const pipe = new PassThrough({ highWaterMark: 1024 * 1024 });
    pipe.on('error', () => undefined);
    this.#pipe = pipe;
    this.#checking = (async () => {
      for await (const piece of expander(limitBytes)(pipe, wrapper)) {
        // A few bytes that were read may be gigabytes inside.
        signal.throwIfAborted();
        check.write(piece);
      }
      check.end();
    })()
      .catch((error: unknown) => this.#note(error))
      .finally(() => {
        this.#over = true;
        pipe.destroy();
      });
  }

  #note(error: unknown): void {
    this.#over = true;
    this.#fault = isMusterError(error) ? error : readingError(error);
  }

  async write(chunk: Buffer): Promise<void> {
    if (this.#over) return;
    if (this.#pipe !== undefined) {
      if (!this.#pipe.write(chunk)) await drained(this.#pipe);
      return;
    }
    try {
      this.#check.write(chunk);
    } catch (error) {
      this.#note(error);
    }
  }

  /** What is wrong with the content. */
  async end(): Promise<MusterError | undefined> {
    if (this.#pipe !== undefined) {
      if (!this.#over) this.#pipe.end();
      await this.#checking;
    } else if (!this.#over) {
      try {
        this.#check.end();
      } catch (error) {
        this.#note(error);
      }
    }
    return this.#fault;
  }

  abandon(): void {
    this.#over = true;
    this.#pipe?.destroy();
  }
}
