import { Writable } from 'node:stream';

const LONGEST_LINE = 64 * 1024;

/** Splits what flows into lines; the last of those that `tell` wants are kept, so many bytes of them. */
export function linesOf(
  tell: (line: string) => boolean,
  mostKept = LONGEST_LINE,
): {
  readonly stream: Writable;
  readonly kept: () => string;
} {
  let rest = '';
  let kept = '';
  const take = (line: string) => {
    if (tell(line)) kept = `${kept}${line}\n`.slice(-mostKept);
  };
  const stream = new Writable({
    write(piece: Buffer, _encoding, done) {
      const lines = (rest + piece.toString('utf8')).split('\n');
      rest = (lines.pop() ?? '').slice(-mostKept);
      for (const line of lines) take(line);
      done();
    },
  });
  return { stream, kept: () => `${kept}${rest}` };
}
