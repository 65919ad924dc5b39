import { MusterError } from '@muster/core';
import { z } from 'zod';
import { LABEL } from './backup-info.js';
import { infoPairs } from './info-file.js';
import type { InfoSource } from './info-source.js';

/**
 * Which files of other sets a set is made of. By the label of a set: paths below it, without what a compression adds to
 * them; `all` of it where that is not told.
 */
export type Borrowed = ReadonlyMap<string, ReadonlySet<string> | 'all'>;

/** What is read of a file: it lies in the set `reference`, absent = the set's own, or there in the bundle `bni`. */
const fileSchema = z.object({ reference: z.string().nullish(), bni: z.int().nullish() });

/**
 * What a `backup.manifest` says of other sets. Blocks of a file may lie in sets that only a map beside them names: all that
 * the set refers to is told then. @throws as `readInfoFile`.
 */
export async function readBorrowed(manifest: InfoSource): Promise<Borrowed> {
  const borrowed = new Map<string, Set<string>>();
  const references = new Set<string>();
  let hasBlocks = false;
  for await (const { section, key, value } of infoPairs(manifest)) {
    if (section === 'backup' && key === 'backup-block-incr') hasBlocks = value === true;
    if (section === 'backup' && key === 'backup-reference')
      for (const label of String(value).split(',')) references.add(label);
    if (section !== 'target:file') continue;
    const file = fileSchema.safeParse(value);
    if (!file.success) throw unknownForm(manifest);
    const { reference, bni } = file.data;
    if (!reference) continue;
    const paths = borrowed.get(reference) ?? new Set();
    borrowed.set(reference, paths.add(bni ? `bundle/${bni}` : key));
  }
  const labels = [...borrowed.keys(), ...references];
  if (!labels.every((label) => LABEL.test(label))) throw unknownForm(manifest);
  return hasBlocks ? new Map(labels.map((label) => [label, 'all'])) : borrowed;
}

/** What a compression or blocks add to the path of a file in a repository. */
const SUFFIX = /\.(?:gz|bz2|lz4|zst|pgbi)$/;

/** Whether a path below a set is among those. */
export const isAmong = (paths: ReadonlySet<string> | 'all', path: string): boolean =>
  paths === 'all' || paths.has(path) || paths.has(path.replace(SUFFIX, ''));

const unknownForm = ({ name }: InfoSource): MusterError =>
  new MusterError(
    'corrupt',
    `${name} says of a file what cannot be read. See what \`pgbackrest verify\` says of its set.`,
  );
