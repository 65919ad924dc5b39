/** Prefix of every key of Muster in Redis. */
export const PREFIX = 'muster';

export const TICKS = 'ticks';
export const RECEIPTS = 'receipts';
export const DEFAULT_POOL = 'default';

/** The queue of a pool's drills. */
export const drillsQueue = (pool: string): string => (pool === DEFAULT_POOL ? 'drills' : `drills-${pool}`);

/** The queue of a pool's takes. */
export const takesQueue = (pool: string): string => (pool === DEFAULT_POOL ? 'takes' : `takes-${pool}`);

/** What a take of a source has alone, across hosts: a lease. */
export const takeLease = (slug: string): string => `take:${slug}`;
