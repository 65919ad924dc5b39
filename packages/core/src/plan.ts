import { z } from 'zod';

/**
 * What a drill was asked to do: written into the evidence store before the drill begins, and carried by its job.
 * It holds references only, never a secret.
 */
export const planSchema = z.strictObject({
  drill_id: z.string(),
  source: z.string(),
  trigger: z.strictObject({
    kind: z.enum(['schedule', 'api', 'cli']),
    schedule: z.string().optional(),
    scheduled_for: z.string().optional(),
    requested_by: z.string().optional(),
  }),
  restore_point: z.strictObject({
    kind: z.enum(['latest', 'oldest', 'random', 'id', 'time']),
    asked: z.string().optional(),
  }),
  /** Ids of the checks, in order. */
  checks: z.array(z.string()),
  config_sha256: z.string(),
});

export type Plan = z.infer<typeof planSchema>;
