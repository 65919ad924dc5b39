import { z } from 'zod';

/** Text of characters, as JCS (RFC 8785) wants it: half a surrogate pair is none. */
export const wellFormed = z
  .string()
  .refine((text) => text.isWellFormed(), 'half a surrogate pair is no character');
