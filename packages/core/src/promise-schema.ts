import { z } from 'zod';

/** What the owner of a source promised, in seconds, and which of it a drill fails for. */
export const promiseSchema = z.strictObject({
  enforce: z.enum(['rpo', 'all', 'none']),
  rto_s: z.number().positive().optional(),
  rpo_s: z.number().positive().optional(),
});
