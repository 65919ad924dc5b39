import { closest, distance } from 'fastest-levenshtein';
import type { ConfigFault } from './config.js';

/** A fault before its offset in the text became line and column. */
export interface Fault {
  readonly offset: number;
  readonly path: Path;
  readonly message: string;
  readonly code: ConfigFault['code'];
}

export function faultAt(offset: number, path: Path, message: string, code: Fault['code'] = 'invalid'): Fault {
  return { offset, path, message, code };
}

export type Path = readonly (string | number)[];

/** `sources[0].checks[1]`. */
export function writePath(path: Path): string {
  return path
    .map((part, index) => {
      if (typeof part === 'number') return `[${part}]`;
      return index === 0 ? showName(part) : `.${showName(part)}`;
    })
    .join('');
}

/** A name of the file in a message, unless it looks like more than a name: a misplaced secret is not echoed. */
export function showName(name: string): string {
  return /^[\w.$-]{1,64}$/.test(name) ? name : '(unprintable)';
}

/** ` Did you mean checks?`, or nothing where no candidate is near enough. */
export function suggest(name: string, candidates: readonly string[]): string {
  const plain = (text: string) => text.toLowerCase().replaceAll('-', '_');
  const wanted = plain(name);
  const bound = name.length < 4 ? 1 : Math.max(2, Math.floor(name.length / 3));
  // A file may have thousands of names: those of another length are not even compared.
  const close = candidates
    .filter((candidate) => Math.abs(candidate.length - name.length) <= bound)
    .map((candidate) => ({ candidate, far: distance(wanted, plain(candidate)) }))
    .filter(({ far }) => far <= bound);
  if (close.length === 0) return '';
  const same = close.find(({ far }) => far === 0)?.candidate;
  const names = close.map(({ candidate }) => candidate);
  return ` Did you mean ${showName(same ?? closest(name, names))}?`;
}
