import { createHash } from 'node:crypto';
import { crc32 } from 'node:zlib';
import { Crc32c, Crc64Nvme } from '@aws-sdk/checksums/crc';

/** What a storage keeps of an object, in base64, by the names of its API. */
export interface S3Checksums {
  readonly ChecksumCRC32?: string | undefined;
  readonly ChecksumCRC32C?: string | undefined;
  readonly ChecksumCRC64NVME?: string | undefined;
  readonly ChecksumSHA1?: string | undefined;
  readonly ChecksumSHA256?: string | undefined;
  /** `COMPOSITE`: of the checksums of parts, whose borders are not known. */
  readonly ChecksumType?: string | undefined;
}

/** Compares what flows with what is stored of it. */
export interface S3Comparison {
  readonly name: string;
  update(chunk: Uint8Array): void;
  /** To be asked once everything has flowed. */
  matches(): Promise<boolean>;
}

/** By the quickest of the checksums of the whole object; undefined where there is none. */
export function comparisonWith(stored: S3Checksums): S3Comparison | undefined {
  if (stored.ChecksumType === 'COMPOSITE') return undefined;
  for (const [name, begin] of ALGORITHMS) {
    const expected = stored[`Checksum${name}`];
    // That of an object in parts, of servers that do not name its type, ends with their number.
    if (expected === undefined || expected.includes('-')) continue;
    const { update, digest } = begin();
    return { name, update, matches: async () => (await digest()).toString('base64') === expected };
  }
  return undefined;
}

interface Running {
  readonly update: (chunk: Uint8Array) => void;
  readonly digest: () => Promise<Buffer>;
}

const hashed = (name: string) => (): Running => {
  const hash = createHash(name);
  return { update: (chunk) => void hash.update(chunk), digest: async () => hash.digest() };
};

const summed = (Sum: typeof Crc32c | typeof Crc64Nvme) => (): Running => {
  const sum = new Sum();
  return { update: (chunk) => sum.update(chunk), digest: async () => Buffer.from(await sum.digest()) };
};

function native(): Running {
  let sum = 0;
  return {
    update: (chunk) => {
      sum = crc32(chunk, sum);
    },
    digest: async () => {
      const bytes = Buffer.alloc(4);
      bytes.writeUInt32BE(sum);
      return bytes;
    },
  };
}

/** The quickest first. */
const ALGORITHMS = [
  ['CRC32', native],
  ['SHA1', hashed('sha1')],
  ['SHA256', hashed('sha256')],
  ['CRC64NVME', summed(Crc64Nvme)],
  ['CRC32C', summed(Crc32c)],
] as const;
