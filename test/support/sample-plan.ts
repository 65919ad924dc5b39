import { newDrillId, type Plan } from '@muster/core';

const HASH = `sha256:${'0'.repeat(64)}`;

/** The plan of a new drill. */
export const samplePlan = (pool = 'default'): Plan => ({
  drill_id: newDrillId(new Date()),
  source: { slug: 'shop', kind: 'postgres' },
  trigger: { kind: 'cli' },
  pool,
  restore_point: { kind: 'latest' },
  checks: [{ id: 'c', check_sha256: HASH, expect_sha256: HASH }],
  config_sha256: HASH,
});
