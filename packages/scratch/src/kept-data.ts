import { sha256 } from '@muster/core';
import type { Ownership } from './labels.js';
import type { KeptData, LaunchSpec } from './scratch.js';
import { thisWorker } from './worker-identity.js';

/** So long after it was made kept data is gone, whoever uses it: a full restore comes round, and nothing is forgotten. */
export const KEPT_MS = 14 * 86_400_000;

/** Kept data as a host finds it again. */
export interface KeptPlace {
  /** 12 hex digits: the same for all who mean the same data. */
  readonly id: string;
  readonly key: string;
  /** 12 hex digits. Differs where what is there must not be used: another form of data, another user, another bound. */
  readonly form: string;
}

/** Undefined where nothing is to be kept: only data on disk can be. */
export function keptPlace({ keep, data, user, limits }: LaunchSpec): KeptPlace | undefined {
  if (keep === undefined || data !== 'disk') return undefined;
  const form = digits([keep.form, user, limits.diskBytes].join('\n'));
  return { id: digits(keep.key), key: keep.key, form };
}

/** Of no process, so that nobody can prove it dead: only its time ends it. */
export const keptOwner = (kept: string, now: Date): Ownership & { readonly kept: string } => ({
  drill: '-',
  worker: { ...thisWorker(), startTime: '0' },
  expiresAt: new Date(now.getTime() + KEPT_MS),
  kept,
});

/** What its label says: its form, a word of whoever asks, and for people the key. */
export const keptLabel = ({ form, key }: KeptPlace, word: string): string => `${form}.${word} ${key}`;

/** What a {@link keptLabel} was made of. */
export function readKeptLabel(label: string): Pick<KeptPlace, 'form' | 'key'> & { readonly word: string } {
  const [, form = '', word = '', key = ''] = /^([^.]*)\.(\S*) (.*)$/s.exec(label) ?? [];
  return { form, word, key };
}

/** Undefined for what is not kept. */
export const keptData = (name: string, owner: Ownership | undefined): KeptData | undefined =>
  owner?.kept === undefined
    ? undefined
    : { name, key: readKeptLabel(owner.kept).key, expiresAt: owner.expiresAt };

const digits = (text: string): string => sha256(text).slice('sha256:'.length, 'sha256:'.length + 12);
