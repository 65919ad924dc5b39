import { MusterError } from '@muster/core';
import type { Toc, TocEntry } from './toc.js';

const TAIL_BYTES = 16;

/** How pg_dump ends the data of a table: COPY data by their mark, INSERTs by an empty line (pg_dump.c, dumpTableData_*). */
function endsWell(entry: TocEntry, tail: Buffer, sizeBytes: number): boolean {
  const text = tail.toString('latin1');
  if (entry.copyStmt !== undefined && entry.copyStmt !== '') {
    return text.endsWith('\n\\.\n\n\n') || (sizeBytes === 5 && text === '\\.\n\n\n');
  }
  return text.endsWith(';\n\n\n') || (sizeBytes === 2 && text === '\n\n');
}

/** One member of a tar or directory dump, as its plain bytes come by. */
export class MemberEnd {
  readonly #entry: TocEntry | undefined;
  readonly #name: string;
  readonly #index: Buffer[] | undefined;
  #tail: Buffer = Buffer.alloc(0);
  #sizeBytes = 0;

  /** `entry`: of which the member is; absent for a large object. `index`: it lists large objects. */
  constructor(name: string, entry: TocEntry | undefined, index: boolean) {
    this.#name = name;
    this.#entry = entry;
    this.#index = index ? [] : undefined;
  }

  write(bytes: Buffer): void {
    this.#sizeBytes += bytes.length;
    this.#index?.push(Buffer.from(bytes));
    const tail =
      bytes.length >= TAIL_BYTES ? bytes.subarray(-TAIL_BYTES) : Buffer.concat([this.#tail, bytes]);
    this.#tail = Buffer.from(tail.subarray(-TAIL_BYTES));
  }

  /** @returns the members of large objects that it lists. @throws `truncated`. */
  end(): readonly string[] {
    if (this.#entry?.desc === 'TABLE DATA' && !endsWell(this.#entry, this.#tail, this.#sizeBytes)) {
      throw new MusterError(
        'truncated',
        `The data of a table end before their end (${this.#name}). Take another backup.`,
      );
    }
    return this.#index === undefined ? [] : objectsOf(Buffer.concat(this.#index), this.#name);
  }
}

/** Lines of `<oid> <file name>`. */
function objectsOf(index: Buffer, name: string): readonly string[] {
  const text = index.toString('latin1');
  const lines = text.split('\n');
  const files = lines.slice(0, -1).map((line) => /^\d+ (\S+)$/.exec(line)?.[1]);
  if (lines.at(-1) !== '')
    throw new MusterError(
      'truncated',
      `The list of large objects ends early (${name}). Take another backup.`,
    );
  return files.map((file) => {
    if (file === undefined)
      throw new MusterError(
        'corrupt',
        `The list of large objects is damaged (${name}). Take another backup.`,
      );
    return file;
  });
}

/** The members that a table of contents asks for. */
export class Members {
  readonly #entries: Map<string, TocEntry>;
  readonly #blobs: readonly TocEntry[];
  readonly #seen = new Set<string>();
  readonly #objects = new Set<string>();
  readonly #largeObjects: number;
  #indexes = 0;

  constructor(toc: Toc) {
    const withData = toc.entries.filter(({ hadDumper, filename }) => hadDumper && filename !== undefined);
    this.#blobs = withData.filter(({ desc }) => desc === 'BLOBS');
    this.#entries = new Map(
      withData.filter(({ desc }) => desc !== 'BLOBS').map((entry) => [entry.filename ?? '', entry]),
    );
    // Before 17 each large object has an entry of its own, since then a group lists its own by lines.
    const counts = toc.entries.map(({ desc, defn }) =>
      desc === 'BLOB'
        ? 1
        : desc === 'BLOB METADATA'
          ? defn.split('\n').filter((line) => line !== '').length
          : 0,
    );
    this.#largeObjects = counts.reduce((sum, count) => sum + count, 0);
  }

  /** The reader for a member, or undefined if nothing asks for it. `name` is without `.gz` and the like. */
  open(name: string): MemberEnd | undefined {
    const entry = this.#entries.get(name);
    const index = this.#blobs.length > 0 && /^blobs(?:_\d+)?\.toc$/.test(name);
    if (index) this.#indexes += 1;
    this.#seen.add(name);
    return entry !== undefined || index || /^blob_\d+\.dat$/.test(name)
      ? new MemberEnd(name, entry, index)
      : undefined;
  }

  /** A member has come to its end. @throws `truncated`, `corrupt`. */
  close(member: MemberEnd): void {
    for (const object of member.end()) this.#objects.add(object.replace(/\.(?:gz|lz4|zst)$/, ''));
  }

  /** All members have been seen. @throws `truncated`. */
  end(): void {
    const missing = [...this.#entries.keys(), ...this.#objects].find((name) => !this.#seen.has(name));
    if (missing !== undefined) throw lost(`the file ${missing} is not there`);
    if (this.#blobs.length > 0 && this.#indexes === 0)
      throw lost('the list of its large objects is not there');
    if (this.#blobs.length > 0 && this.#objects.size < this.#largeObjects)
      throw lost('large objects are not there');
  }
}

const lost = (what: string): MusterError =>
  new MusterError('truncated', `The dump is not whole: ${what}. Look at how it was copied, or take another.`);
