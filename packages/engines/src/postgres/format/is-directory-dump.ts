/** {@link Engine.isDirectoryDump}: `pg_dump -Fd` writes the table of contents last. */
export const isDirectoryDump = (files: readonly string[]): boolean =>
  files.some((path) => /^toc\.dat(\.gz|\.zst|\.lz4)?$/.test(path));
