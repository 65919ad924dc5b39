import { mkdir, open } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Readable } from 'node:stream';
import { isMusterError, MusterError } from '@muster/core';

/** `12 ./archive/main/archive.info`: no link, nothing above, and nothing that a terminal or a shell obeys. */
const HEAD = /^(\d{1,15}) \.\/((?:[\w+-][\w.+-]*\/)*[\w+-][\w.+-]*)$/;
const LONGEST_HEAD = 1024;
/** Files and directories: more than a repository of two sets has. */
const MOST_ENTRIES = 200_000;
/** Names in a path: a file of a tablespace has eight. */
const MOST_NAMES = 12;
/** Bytes that a file or a directory takes of a disk beside what it holds. */
const ENTRY_BYTES = 4096;

/**
 * Writes files into an empty directory, as they come out of a scratch: for each a line `size ./path`, and its bytes. Who
 * sends them may be hostile, so files and directories count as well, empty ones too. @throws `take_failed`, `scratch_disk_full` over `mostBytes`, what `packed` is destroyed with.
 */
export async function readCarried(packed: Readable, directory: string, mostBytes: number): Promise<void> {
  let rest: Buffer = Buffer.alloc(0);
  let left = mostBytes;
  let entries = 0;
  const directories = new Set<string>();
  /** Charges what is about to be made. */
  const charge = (bytes: number): void => {
    entries += 1;
    left -= bytes + ENTRY_BYTES;
    if (entries > MOST_ENTRIES) throw unlike();
    if (left < 0) throw tooLarge(mostBytes);
  };
  let file: { readonly handle: Awaited<ReturnType<typeof open>>; left: number } | undefined;
  try {
    for await (const piece of packed as AsyncIterable<Buffer>) {
      rest = rest.length === 0 ? piece : Buffer.concat([rest, piece]);
      for (;;) {
        if (file === undefined) {
          const end = rest.indexOf('\n');
          if (end < 0 && rest.length <= LONGEST_HEAD) break;
          if (end < 0 || end > LONGEST_HEAD) throw unlike();
          const [, size, name] = HEAD.exec(rest.toString('latin1', 0, end)) ?? [];
          if (size === undefined || name === undefined) throw unlike();
          if (name.split('/').length > MOST_NAMES) throw unlike();
          rest = rest.subarray(end + 1);
          for (const one of above(name)) {
            if (directories.has(one)) continue;
            charge(0);
            directories.add(one);
          }
          charge(Number(size));
          const path = join(directory, name);
          await mkdir(dirname(path), { recursive: true, mode: 0o700 });
          file = { handle: await open(path, 'wx', 0o600), left: Number(size) };
        }
        const bytes = rest.subarray(0, file.left);
        rest = rest.subarray(bytes.length);
        file.left -= bytes.length;
        await file.handle.writeFile(bytes);
        if (file.left > 0) break;
        await file.handle.close();
        file = undefined;
      }
    }
    if (file !== undefined || rest.length > 0) throw unlike();
  } catch (cause) {
    if (isMusterError(cause)) throw cause;
    throw new MusterError(
      'take_failed',
      'The repository of the rehearsal could not be written beside the state of Muster: see that there is room.',
      { cause },
    );
  } finally {
    await file?.handle.close();
    packed.destroy();
  }
}

/** The directories that a file is in, the outermost first. */
const above = (name: string): readonly string[] =>
  name
    .split('/')
    .slice(0, -1)
    .map((_, index, names) => names.slice(0, index + 1).join('/'));

const unlike = (): MusterError =>
  new MusterError(
    'take_failed',
    'What came out of the scratch is no repository of pgBackRest: see what else runs in it.',
  );

const tooLarge = (mostBytes: number): MusterError =>
  new MusterError(
    'scratch_disk_full',
    `The repository of the rehearsal is larger than the scratch may be (${mostBytes} bytes): raise scratch.disk of the source.`,
  );
