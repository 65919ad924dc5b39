import type { Redis } from 'ioredis';
import { z } from 'zod';
import { orUnavailable } from './connection.js';
import { PREFIX } from './names.js';
import { readJson } from './read-json.js';

/**
 * Which backups of a source have passed their drills, for whoever deletes backups and cannot read the evidence store. Where
 * Redis begins anew, none has: then nothing is deleted until one does again. @throws `redis_unavailable`.
 */
export interface PassedBackups {
  /** The same drill twice is one. */
  note(slug: string, drillId: string, backup: PassedBackup): Promise<void>;
  /** Those of the last 200 drills that passed, in no order. */
  list(slug: string): Promise<readonly PassedBackup[]>;
}

const passedSchema = z.strictObject({ id: z.string(), sha256: z.string().exactOptional() });
type PassedBackup = Readonly<z.infer<typeof passedSchema>>;

const KEPT = 200;
const KEPT_SECONDS = 400 * 24 * 60 * 60;
const keyOf = (slug: string): string => `${PREFIX}:passed:${slug}`;

/** Over a connection for commands. Members `<drill id> <JSON>` of one score sort by their text, and so by time. */
export function createPassedBackups(redis: Redis): PassedBackups {
  const note = async (slug: string, drillId: string, backup: PassedBackup): Promise<void> => {
    const noting = redis.multi().zadd(keyOf(slug), 0, `${drillId} ${JSON.stringify(backup)}`);
    await noting
      .zremrangebyrank(keyOf(slug), 0, -KEPT - 1)
      .expire(keyOf(slug), KEPT_SECONDS)
      .exec();
  };
  return {
    note: (slug, drillId, backup) => orUnavailable(note(slug, drillId, backup), 'noting what passed'),
    list: async (slug) => {
      const members = await orUnavailable(redis.zrange(keyOf(slug), '0', '-1'), 'reading what passed');
      return members.flatMap((member) => readJson(passedSchema, member.slice(member.indexOf(' ') + 1)) ?? []);
    },
  };
}
