import { isMusterError, MusterError } from '@muster/core';
import { Redis } from 'ioredis';
import { placeOf, redisFault } from './redis-fault.js';

/** A command that takes longer has failed. */
const COMMAND_MS = 8_000;
/** What ioredis says of a command that was not answered in time. */
const TIMED_OUT = 'Command timed out';
const LONGEST_RECONNECT_MS = 2_000;
const FOREGROUND_CONNECT_MS = 3_000;
const OLDEST = [6, 2] as const;

/**
 * What for: `commands` fail within 8 s where Redis does not answer; so do those of the `foreground`, where a person waits, and
 * at once where none is there to begin with; `blocking` wait until it does, as consumers and subscribers must.
 */
export type RedisUse = 'commands' | 'foreground' | 'blocking';

/**
 * Connects to `redis://`, `rediss://` or `unix:/path`, and reconnects for ever. @throws `redis_unavailable` for another text.
 * `onBack` is told when it answers again after it could not be reached, or did not answer in time.
 */
export function openRedis(url: string, use: RedisUse, onBack: () => void = () => {}): Redis {
  if (!isAddress(url)) {
    throw new MusterError(
      'redis_unavailable',
      'What redis.url or MUSTER_REDIS_URL names is no address of a Redis: write redis://host:port, rediss://host:port or unix:/path, and percent-encode what is special in a password.',
    );
  }
  return new TellingRedis(url, use, onBack);
}

/** Of each error of a command: which Redis it came from, and why that was not reached then. */
const circumstances = new WeakMap<Error, { readonly place: string; readonly trouble: Error | undefined }>();

/** A command that was not answered in time does not say why: this remembers what its connection met. */
class TellingRedis extends Redis {
  readonly #place: string;
  readonly #onBack: () => void;
  #trouble: Error | undefined;
  #wasThere = false;
  #isAway = false;

  constructor(url: string, use: RedisUse, onBack: () => void) {
    let givesUp = use === 'foreground';
    super(url.replace(/^unix:/, ''), {
      retryStrategy: (times) =>
        givesUp ? null : Math.min(50 * 2 ** Math.min(times, 10), LONGEST_RECONNECT_MS),
      maxRetriesPerRequest: null,
      ...(use !== 'blocking' && { commandTimeout: COMMAND_MS }),
      ...(use === 'foreground' && { connectTimeout: FOREGROUND_CONNECT_MS }),
    });
    this.#place = placeOf(url);
    this.#onBack = onBack;
    // Whoever waits for a command hears of it; without a listener it would end the process.
    this.on('error', (error: Error) => {
      this.#trouble = error;
      this.#isAway = this.#wasThere;
    });
    this.on('ready', () => {
      this.#trouble = undefined;
      givesUp = false;
      this.#answered();
    });
  }

  #answered(): void {
    this.#wasThere = true;
    if (!this.#isAway) return;
    this.#isAway = false;
    this.#onBack();
  }

  override sendCommand(...args: Parameters<Redis['sendCommand']>): ReturnType<Redis['sendCommand']> {
    const [command] = args;
    const { reject, resolve } = command;
    command.resolve = (answer) => {
      if (this.status === 'ready') this.#answered();
      resolve(answer);
    };
    command.reject = (error) => {
      if (error.message === TIMED_OUT) this.#isAway = this.#wasThere;
      circumstances.set(error, { place: this.#place, trouble: this.#trouble });
      reject(error);
    };
    return super.sendCommand(...args);
  }
}

/** Of an address that cannot be read, errors of Redis' client are no help, and may quote a password. */
function isAddress(url: string): boolean {
  if (/^(unix:)?\//.test(url)) return true;
  if (!/^rediss?:/.test(url) || !URL.canParse(url)) return false;
  const { username, password } = new URL(url);
  try {
    decodeURIComponent(username + password);
    return true;
  } catch {
    return false;
  }
}

/** The same, for whatever Redis did not do. @throws `redis_unavailable`. */
export async function orUnavailable<T>(work: Promise<T>, doing: string): Promise<T> {
  try {
    return await work;
  } catch (cause) {
    if (isMusterError(cause)) throw cause;
    throw new MusterError('redis_unavailable', unavailable(cause, doing), { cause });
  }
}

function unavailable(error: unknown, doing: string): string {
  const known = error instanceof Error ? circumstances.get(error) : undefined;
  if (known === undefined || !(error instanceof Error)) {
    return `Redis did not answer (${doing}): see whether it runs and is reached, then do it again.`;
  }
  const { place, trouble } = known;
  const fault = (trouble && redisFault(trouble, place)) ?? redisFault(error, place);
  return fault ?? `Redis at ${place} did not answer in time (${doing}): see whether it runs and is reached.`;
}

/**
 * Refuses a Redis that would lose jobs. @returns what a person should know about it, in sentences.
 * @throws `redis_unavailable`, `redis_unsuitable`.
 */
export async function requireSuitable(redis: Redis): Promise<readonly string[]> {
  const info = await orUnavailable(redis.info(), 'asking for its version');
  const field = (name: string): string => new RegExp(`^${name}:(.*?)\\r?$`, 'm').exec(info)?.[1] ?? '';
  const version = field('redis_version');
  const [major = 0, minor = 0] = version.split('.').map(Number);
  if (major < OLDEST[0] || (major === OLDEST[0] && minor < OLDEST[1])) {
    throw new MusterError(
      'redis_unsuitable',
      `This Redis is ${version}: Muster needs ${OLDEST.join('.')} or newer.`,
    );
  }
  const policy = field('maxmemory_policy');
  if (policy !== 'noeviction') {
    throw new MusterError(
      'redis_unsuitable',
      `This Redis drops keys when its memory is full (maxmemory-policy ${policy}), and drills with them: set it to noeviction.`,
    );
  }
  if (field('aof_enabled') === '1') return [];
  return [
    'Redis keeps no append-only file: drills that wait are lost when it restarts, and end in a receipt that says so. Set appendonly yes.',
  ];
}
