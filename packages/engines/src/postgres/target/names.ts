import { z } from 'zod';
import type { LeftState } from '../../target/target.js';

/** PostgreSQL keeps so many bytes of a name. */
const LONGEST_NAME = 63;

/** Where a backup is restored, until it is whole. */
export const besideName = (target: string): string => withSuffix(target, '_muster_new');

/** Where what was there is kept. */
export const keptName = (target: string, now: Date): string =>
  withSuffix(target, `_before_${now.toISOString().replace(/[-:]|\.\d+/g, '')}`);

function withSuffix(name: string, suffix: string): string {
  let head = name;
  while (Buffer.byteLength(head) + suffix.length > LONGEST_NAME) head = [...head].slice(0, -1).join('');
  return `${head}${suffix}`;
}

/** What the comment of a database says that a restore has made and not finished. */
export interface Marker {
  readonly state: LeftState;
  readonly backup: string;
}

const PREFIX = 'muster restore ';
const markerSchema = z.object({ state: z.enum(['restoring', 'whole', 'broken']), backup: z.string() });

export const writeMarker = ({ state, backup }: Marker): string =>
  `${PREFIX}${JSON.stringify({ state, backup })}`;

/** Undefined for what no restore of Muster's has written. */
export function readMarker(comment: string | null | undefined): Marker | undefined {
  if (!comment?.startsWith(PREFIX)) return undefined;
  try {
    return markerSchema.safeParse(JSON.parse(comment.slice(PREFIX.length))).data;
  } catch {
    return undefined;
  }
}
