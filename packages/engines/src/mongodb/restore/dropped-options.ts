import type { RestoreWarning } from '@muster/core';
import type { MongoServerError } from 'mongodb';
import { isServerError } from '../server/driver.js';

/** Told in receipts by name; other names come from the dump and are not. */
const KNOWN = new Set([
  ...[
    'autoIndexId',
    'capped',
    'changeStreamPreAndPostImages',
    'clusteredIndex',
    'collation',
    'encryptedFields',
  ],
  ...['expireAfterSeconds', 'flags', 'idIndex', 'indexOptionDefaults', 'max', 'recordIdsReplicated', 'size'],
  ...['storageEngine', 'validationAction', 'validationLevel', 'validator', 'hidden', 'textIndexVersion'],
  ...['2dsphereIndexVersion', 'bucketSize', 'prepareUnique', 'wildcardProjection', 'bits', 'min'],
]);

/**
 * Codes by which a server says that it does not know or have an option: InvalidOptions, CommandNotSupported,
 * InvalidIndexSpecificationOption, IDLUnknownField; a stand-in also InternalError, BadValue and NotImplemented.
 */
const REFUSALS = new Set([1, 2, 72, 115, 197, 238, 40415]);
/** CommandNotSupported, NotImplemented. */
const UNSUPPORTED = new Set([115, 238]);

/** Counts the options that the target does not know, by command and option. */
export class DroppedOptions {
  readonly #counts = new Map<string, number>();

  note(command: 'create' | 'createIndexes', option: string): void {
    const statement = KNOWN.has(option) ? `${command} ${option}` : command;
    this.#counts.set(statement, (this.#counts.get(statement) ?? 0) + 1);
  }

  warnings(): readonly RestoreWarning[] {
    return [...this.#counts].map(([statement, count]) => ({ code: 'option_dropped', statement, count }));
  }
}

/** Which of these options a server has refused by name; undefined where it complains of something else. */
export function refusedOption(error: unknown, options: Iterable<string>): string | undefined {
  if (!isServerError(error) || !REFUSALS.has(Number(error.code))) return undefined;
  // As a word of its own: `size` is in `bucketSize` too.
  const words = new Set(
    withoutDocuments(error.message)
      .toLowerCase()
      .split(/[^a-z0-9_$]+/),
  );
  return [...options].find((option) => words.has(option.toLowerCase()));
}

/** Servers repeat the whole of what they were given, with every option in it. */
function withoutDocuments(message: string): string {
  const shorter = message.replaceAll(/\{[^{}]*\}/g, '');
  return shorter === message ? message : withoutDocuments(shorter);
}

/** Settings of one storage engine. Others than that of MongoDB itself are refused everywhere else. */
export const isForeignStorageEngine = (option: string, value: unknown): boolean =>
  option === 'storageEngine' &&
  !(value instanceof Map && [...value.keys()].every((name) => name === 'wiredTiger'));

/** True where a server says that it has not what was asked for at all. */
export const isUnsupported = (error: MongoServerError): boolean => UNSUPPORTED.has(Number(error.code));
