import { createHash, timingSafeEqual } from 'node:crypto';
import { type ApiToken, ROLES, type Role } from '@muster/core';

/** Whoever sent a request with a token that is known. */
export interface Principal {
  readonly name: string;
  readonly role: Role;
}

/** True if `role` may do what `needed` may. */
export const mayAs = (role: Role, needed: Role): boolean => ROLES.indexOf(role) >= ROLES.indexOf(needed);

/**
 * Whose token an `Authorization` header holds (RFC 6750). Every known token is compared, in constant time, so that how
 * long it takes tells nothing.
 */
export function principalOf(
  tokens: readonly ApiToken[],
  authorization: string | undefined,
): Principal | undefined {
  const token = /^Bearer +([\x21-\x7e]+)$/i.exec(authorization ?? '')?.[1];
  if (token === undefined) return undefined;
  const digest = createHash('sha256').update(token).digest();
  const matching = tokens.filter(({ sha256 }) => timingSafeEqual(Buffer.from(sha256, 'hex'), digest));
  return matching[0] && { name: matching[0].name, role: matching[0].role };
}
