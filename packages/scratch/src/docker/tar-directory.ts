/**
 * A tar archive (POSIX.1-1988 ustar) of one empty directory: how a directory gets an owner and a mode inside a volume
 * without running anything as root there.
 */
export function tarDirectory(name: string, user: string, mode: number): Buffer {
  const [uid = '0', gid = '0'] = user.split(':');
  const header = Buffer.alloc(512);
  const octal = (value: number, at: number, width: number): void => {
    header.write(`${value.toString(8).padStart(width - 1, '0')}\0`, at, 'ascii');
  };
  header.write(`${name}/`, 0, 'ascii');
  octal(mode, 100, 8);
  octal(Number(uid), 108, 8);
  octal(Number(gid), 116, 8);
  octal(0, 124, 12);
  octal(0, 136, 12);
  header.write(' '.repeat(8), 148, 'ascii');
  header.write('5', 156, 'ascii');
  header.write('ustar\x0000', 257, 'ascii');
  // The checksum is over the header with its own field as spaces.
  header.write(
    `${header
      .reduce((sum, byte) => sum + byte, 0)
      .toString(8)
      .padStart(6, '0')}\0 `,
    148,
    'ascii',
  );
  return Buffer.concat([header, Buffer.alloc(1024)]);
}
