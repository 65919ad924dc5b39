/** One entry of an archive's table of contents. Strings are decoded as UTF-8 and not to be trusted. */
export interface TocEntry {
  readonly dumpId: number;
  readonly section?: 'none' | 'pre-data' | 'data' | 'post-data';
  /** What it is: `TABLE`, `TABLE DATA`, `EXTENSION`, `ACL` … */
  readonly desc: string;
  readonly tag: string;
  readonly namespace?: string;
  readonly owner?: string;
  readonly defn: string;
  readonly dropStmt?: string;
  readonly copyStmt?: string;
  /** True if the archive holds data for it. */
  readonly hadDumper: boolean;
  /** Custom archives: where its data block begins, if pg_dump could go back and write it down. */
  readonly data?: { readonly state: 'not_set' | 'set' | 'none'; readonly offset: number };
  /** Directory and tar: its member; in a directory possibly with `.gz`, `.lz4` or `.zst` added. */
  readonly filename?: string;
  readonly dependencies: readonly number[];
}

export interface Toc {
  /** e.g. `1.14.0`. */
  readonly archiveVersion: string;
  /** `tar` also in the toc.dat of a directory. */
  readonly format: 'custom' | 'tar' | 'directory';
  readonly compression: 'none' | 'gzip' | 'lz4' | 'zstd';
  /** The archive's struct tm, read as UTC. */
  readonly createdAt?: Date;
  readonly database: string;
  /** e.g. `17.6 (Debian 17.6-1)`. */
  readonly serverVersion: string;
  readonly toolVersion: string;
  readonly entries: readonly TocEntry[];
  /** Bytes of header and table of contents: where the data blocks of a custom archive begin. */
  readonly sizeBytes: number;
  /** Bytes of one integer and of one offset in this archive. */
  readonly intSize: number;
  readonly offSize: number;
}
