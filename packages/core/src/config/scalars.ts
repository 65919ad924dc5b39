import { z } from 'zod';
import { parseDuration } from '../duration.js';
import { parseExpect } from '../expect.js';
import { parseSecretRef } from '../secret-ref.js';
import { parseSize } from '../size.js';
import type { ConfigFault } from './config.js';
import { innerPathFault, withoutEnd } from './inner-path.js';

/** What a schema adds to an issue for {@link ConfigFault}. */
export interface IssueDetails {
  readonly code?: ConfigFault['code'];
  /** Offset within the string. */
  readonly offset?: number;
}

type Refusal = { readonly message: string } & IssueDetails;

/** A string that `parse` turns into what it means. */
export function parsedString<T>(parse: (text: string) => { readonly value: T } | Refusal) {
  return z.string().transform((input, context): T => {
    const parsed = parse(input);
    if ('value' in parsed) return parsed.value;
    const { message, ...params } = parsed;
    context.issues.push({ code: 'custom', message, input, params });
    return z.NEVER;
  });
}

/** A key that is known, and whose feature is not built yet. */
export const notYet = () => z.never({ error: NOT_YET }).exactOptional().describe('Not supported yet.');
export const NOT_YET = 'is not supported yet';

/** One of some words, of which only the `supported` ones can be had yet: editors are offered no others. */
export function choice<const S extends string, const U extends string>(
  supported: readonly S[],
  unsupported: readonly U[],
) {
  const isSupported = (word: string): word is S => (supported as readonly string[]).includes(word);
  return z
    .enum([...supported, ...unsupported])
    .meta({ enum: [...supported] })
    .transform((word, context): S => {
      if (isSupported(word)) return word;
      const params: IssueDetails = { code: 'not_supported_yet' };
      context.issues.push({ code: 'custom', message: `${word} ${NOT_YET}`, input: word, params });
      return z.NEVER;
    });
}

export const text = () => z.string().min(1, { error: 'expected some text' });

/** Timers hold no more than this; a longer one would fire at once. */
const MAX_TIME_LIMIT = 2 ** 31 - 1;

export const timeLimit = () =>
  parsedString((written) => {
    const value = parseDuration(written);
    if (value === undefined) return { message: 'expected a duration such as 90s, 15m, 24h' };
    return value > MAX_TIME_LIMIT ? { message: 'expected a time limit of 24d at most' } : { value };
  });

/** A duration that no timer waits for. */
export const duration = () =>
  parsedString((written) => {
    const value = parseDuration(written);
    return value === undefined ? { message: 'expected a duration such as 90s, 15m, 24h, 14d' } : { value };
  });

export const size = () =>
  parsedString((written) => {
    const value = parseSize(written);
    return value === undefined ? { message: 'expected a size such as 512MiB, 10GB' } : { value };
  });

export const secretRef = () =>
  parsedString((written) => {
    const value = parseSecretRef(written);
    return value === undefined
      ? { message: 'expected a reference, env:NAME or file:PATH; what is secret is never written here' }
      : { value };
  });

/** A directory as written, or `file://`. S3 is known, and not supported yet. */
export const directory = () =>
  parsedString((written) => {
    if (schemeOf(written) === 's3')
      return { message: `an S3 location ${NOT_YET}`, code: 'not_supported_yet' };
    const path = directoryPath(written);
    return path === undefined ? { message: 'expected a directory or file:///DIRECTORY' } : { value: path };
  });

/** A directory as written, or the bucket and prefix of `s3://`. */
export type StoreLocation =
  | { readonly type: 'directory'; readonly path: string }
  | { readonly type: 's3'; readonly bucket: string; readonly prefix: string };

/** A directory, or `s3://bucket/prefix`. */
export const storeLocation = () =>
  parsedString<StoreLocation>((written) => {
    if (schemeOf(written) === 's3') {
      const [, bucket, prefix] = S3_LOCATION.exec(written) ?? [];
      return bucket === undefined || prefix === undefined
        ? { message: 'expected s3://BUCKET or s3://BUCKET/PREFIX, of letters, digits and . _ - =' }
        : { value: { type: 's3', bucket, prefix: prefix.slice(1) } };
    }
    const path = directoryPath(written);
    return path === undefined
      ? { message: 'expected a directory, file:///DIRECTORY or s3://BUCKET/PREFIX' }
      : { value: { type: 'directory', path } };
  });

/** A place in a scratch that the server does not need itself. */
export const innerPath = () =>
  parsedString((written) => {
    const message = innerPathFault(written);
    return message === undefined ? { value: withoutEnd(written) } : { message };
  });

/** As S3 names buckets; a prefix of which every server and tool makes the same. */
const S3_LOCATION = /^s3:\/\/([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])((?:\/[A-Za-z0-9_=-][A-Za-z0-9._=-]*)*)\/?$/;

/** The address of a server over HTTP, and nothing else in it. */
export const endpoint = () =>
  parsedString((written) => {
    const url = URL.canParse(written) ? new URL(written) : undefined;
    const isPlain = url !== undefined && /^https?:$/.test(url.protocol) && !/[?#@]/.test(written);
    return isPlain ? { value: written } : { message: 'expected https://HOST or http://HOST:PORT' };
  });

const schemeOf = (written: string): string | undefined =>
  /^([a-z][a-z0-9+.-]*):\/\//i.exec(written)?.[1]?.toLowerCase();

function directoryPath(written: string): string | undefined {
  const scheme = schemeOf(written);
  if (scheme === undefined && written !== '' && !written.includes('\0')) return written;
  return scheme === 'file' ? filePath(written) : undefined;
}

function filePath(uri: string): string | undefined {
  try {
    const { host, pathname } = new URL(uri);
    return host === '' ? decodeURIComponent(pathname) : undefined;
  } catch {
    return undefined;
  }
}

export const expectSentence = () =>
  parsedString((written) => {
    const parsed = parseExpect(written);
    if (parsed.ok) return { value: { text: written, expectation: parsed.expectation } };
    const { offset, message } = parsed;
    return { message: `at character ${offset + 1}: ${message}`, code: 'expect', offset };
  });
