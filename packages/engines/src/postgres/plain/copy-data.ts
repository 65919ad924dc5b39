import type { Token } from './psql-lexer.js';

const LF = 0x0a;
const CR = 0x0d;

/** The data after a COPY, which psql ends at a line that is `\.`, with LF or CR LF (copy.c, handleCopyIn). */
export class CopyData {
  /** The last bytes seen, as far as the end mark could begin in them; data begin as if after a line's end. */
  #tail: Buffer = Buffer.from('\n');
  #ended = false;

  /** True once the end mark has passed. */
  get ended(): boolean {
    return this.#ended;
  }

  /** The data in `chunk` from `at` on, and where what follows them begins. */
  pass(chunk: Buffer, at: number): { readonly passed: Buffer; readonly next: number } {
    const skip = this.#tail.length;
    const bytes = skip > 0 ? Buffer.concat([this.#tail, chunk.subarray(at)]) : chunk.subarray(at);
    for (let from = 0; ; ) {
      const found = bytes.indexOf('\n\\.', from, 'latin1');
      if (found < 0) break;
      const next = bytes[found + 3];
      const end = next === LF ? found + 4 : next === CR && bytes[found + 4] === LF ? found + 5 : -1;
      if (end > 0) {
        this.#ended = true;
        return { passed: bytes.subarray(skip, end), next: at + end - skip };
      }
      from = found + 1;
    }
    const line = bytes.lastIndexOf(LF);
    const possible = line >= 0 && bytes.length - line < 5 ? line : bytes.length;
    this.#tail = Buffer.from(bytes.subarray(possible));
    return { passed: bytes.subarray(skip), next: chunk.length };
  }
}

/** `COPY name (columns) FROM stdin`, nothing else. */
export function isCopyFromStdin(tokens: readonly Token[]): boolean {
  const shape = tokens.map(({ kind, text }) =>
    kind === 'ident' ? 'w' : kind === 'word' ? (/^(copy|from|stdin)$/.test(text) ? text : 'w') : text,
  );
  return (
    /^copy (?:w \. )?w (?:\( w (?:, w )*\) )?from stdin$/.test(shape.join(' ')) &&
    tokens.every(({ kind }) => kind !== 'string' && kind !== 'other')
  );
}
