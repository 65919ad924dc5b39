import { MusterError } from '@muster/core';
import type { Base } from '@muster/scratch';
import { FALLBACK_USER, nameOf } from '../admit.js';
import { type ImageFacts, type Installation, parseProbe } from '../probe.js';
import type { PgbackrestFacts } from './pgbackrest-facts.js';

/**
 * Holds a backup set against what an image, or the host, has: data files need the very major version, and pgBackRest
 * beside it. What runs inside is the owner of the repository, whose files others can seldom read.
 */
export function admitPgbackrest(
  facts: PgbackrestFacts,
  base: Base,
): { readonly user: string; readonly installation: Installation } {
  const image = parseProbe(base.facts);
  const where = nameOf(base);
  const installation = chooseSetInstallation(facts, image, where);
  requirePgbackrest(image, where);
  return { user: userFor(facts, image.user ?? FALLBACK_USER), installation };
}

/** @throws `image_unavailable` */
export function requirePgbackrest({ pgbackrest }: ImageFacts, where: string): void {
  if (pgbackrest !== undefined) return;
  throw new MusterError(
    'image_unavailable',
    `There is no pgBackRest on ${where}, and the restore runs there. Build an image that has it from deploy/pgbackrest/Dockerfile, and name it with \`image:\`.`,
  );
}

/** The installation of that very major version. @throws `version_unavailable` */
export function chooseSetInstallation(
  { major }: Pick<PgbackrestFacts, 'major'>,
  image: ImageFacts,
  where: string,
): Installation {
  const installation = image.installations.find((one) => one.major === major);
  if (installation !== undefined) return installation;
  const there = image.installations.map((one) => one.major).join(', ') || 'none';
  throw new MusterError(
    'version_unavailable',
    `The backup set holds files of PostgreSQL ${major}, which no other version reads, and ${where} has ${there}. Name an image of version ${major} with \`image:\`.`,
  );
}

/** A server refuses to run as root; of a repository of root's what its group or everyone may read can be read. */
function userFor({ pgbackrest: { owner } }: PgbackrestFacts, imageUser: string): string {
  if (owner.uid !== 0) return `${owner.uid}:${owner.gid}`;
  return owner.gid === 0 ? imageUser : `${imageUser.split(':')[0]}:${owner.gid}`;
}
