import { Writable } from 'node:stream';

/** In the shell that runs the tool: each second, on stdout, the bytes that each process of the tool has read so far. */
const WATCH = `
name=\${1##*/}
while sleep 1 >/dev/null 2>&1; do
  for process in /proc/[0-9]*; do
    read -r comm < "$process/comm" && [ "$comm" = "$name" ] && read -r _ bytes < "$process/io" && echo "\${process##*/} $bytes"
  done 2>/dev/null
done &
watch=$!
"$@"
code=$?
kill "$watch" 2>/dev/null
exit "$code"
`;

/** `argv`, run so that its stdout tells what {@link readWatch} understands. What it says itself there must not matter. */
export function watched(argv: readonly string[]): readonly [string, ...string[]] {
  return ['sh', '-c', WATCH, 'sh', ...argv];
}

/**
 * How much a tool has read that opens its input by itself, with as many processes as it likes: none of them tells. Calls
 * `onBytes` with the sum, which never falls, also when a process ends.
 */
export function readWatch(onBytes: (bytes: number) => void): Writable {
  const read = new Map<string, number>();
  let rest = '';
  return new Writable({
    write(piece: Buffer, _encoding, done) {
      const lines = (rest + piece.toString('latin1')).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) {
        const [, pid, bytes] = /^(\d+) (\d+)$/.exec(line) ?? [];
        if (pid !== undefined) read.set(pid, Number(bytes));
      }
      if (lines.length > 0) onBytes([...read.values()].reduce((sum, bytes) => sum + bytes, 0));
      done();
    },
  });
}
