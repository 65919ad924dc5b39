import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { stat } from 'node:fs/promises';
import { PassThrough } from 'node:stream';
import { isMusterError, MusterError } from '@muster/core';
import type { Artefact } from '../../artefact.js';
import type { Examined } from '../../engine.js';
import type { PostgresFacts, Wrapper } from '../postgres-facts.js';
import { readBackup, readingError } from '../restore/feed.js';
import { backupChanged, changed } from './change.js';
import { companionsOf, digestFor, mismatch } from './companion.js';
import { type ContentCheck, contentCheck } from './content-check.js';
import { unwrap } from './decompress.js';
import { examineDirectory } from './examine-directory.js';

/** {@link Engine.examine} of PostgreSQL. `onBytes` is told all bytes so far. */
export async function examine(
  artefact: Artefact,
  facts: PostgresFacts,
  onBytes: (bytes: number) => void,
  signal: AbortSignal,
): Promise<Examined> {
  try {
    switch (artefact.form) {
      case 'file':
        return await examineFile(artefact, facts, onBytes, signal);
      case 'directory':
        return await examineDirectory(artefact.path, facts, onBytes, signal);
      case 'stream':
        throw new MusterError('internal', 'A live dump is examined while it is restored.');
    }
  } catch (error) {
    if (signal.aborted) throw new MusterError('cancelled', 'The drill was cancelled.', { cause: error });
    throw readingError(error);
  }
}

async function examineFile(
  { path, sizeBytes: expected }: Extract<Artefact, { form: 'file' }>,
  facts: PostgresFacts,
  onBytes: (bytes: number) => void,
  signal: AbortSignal,
): Promise<Examined> {
  const before = await stat(path, { bigint: true });
  const hash = createHash('sha256');
  const content = new ContentFlow(contentCheck(facts), facts.wrapper, signal);
  let sizeBytes = 0;
  try {
    for await (const chunk of readBackup(path, signal)) {
      hash.update(chunk);
      sizeBytes += chunk.length;
      onBytes(sizeBytes);
      await content.write(chunk);
    }
  } catch (error) {
    content.abandon();
    throw error;
  }
  const damage = await content.end();
  signal.throwIfAborted();
  const hex = hash.digest('hex');
  const after = await stat(path, { bigint: true });
  if (changed(before, after) || sizeBytes !== Number(before.size) || sizeBytes !== expected)
    throw backupChanged();
  const fault = damage ?? (await disagreement(path, hex));
  return { sha256: `sha256:${hex}`, sizeBytes, ...(fault === undefined ? {} : { fault }) };
}

async function disagreement(path: string, hex: string): Promise<MusterError | undefined> {
  for (const companion of await companionsOf(path)) {
    try {
      const expected = digestFor(companion, path);
      if (expected !== undefined && expected !== hex) return mismatch(companion.name);
    } catch (error) {
      if (isMusterError(error, 'checksum_mismatch')) return error;
      throw error;
    }
  }
  return undefined;
}

/** Leads raw bytes through their wrapper into a check. The first fault ends the check, and is kept; reading goes on. */
class ContentFlow {
  readonly #check: ContentCheck;
  readonly #pipe: PassThrough | undefined;
  readonly #checking: Promise<void>;
  #fault: MusterError | undefined;
  #over = false;

  constructor(check: ContentCheck, wrapper: Wrapper, signal: AbortSignal) {
    this.#check = check;
    if (wrapper === 'none') {
      this.#checking = Promise.resolve();
      return;
    }
    const pipe = new PassThrough({ highWaterMark: 1024 * 1024 });
    pipe.on('error', () => undefined);
    this.#pipe = pipe;
    this.#checking = (async () => {
      for await (const piece of unwrap(pipe, wrapper)) {
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
      if (!this.#pipe.write(chunk))
        await Promise.race([once(this.#pipe, 'drain').catch(() => undefined), this.#checking]);
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
