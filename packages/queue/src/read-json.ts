import type { z } from 'zod';

/** What a text of Redis says. Undefined where there is none, or where it is not JSON or not of that shape. */
export function readJson<T>(schema: z.ZodType<T>, text: string | null | undefined): T | undefined {
  if (text === null || text === undefined) return undefined;
  try {
    return schema.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}
