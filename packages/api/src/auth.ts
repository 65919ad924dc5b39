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
 * Which of the known tokens this is. Every one of them is compared, in constant time, so that how long it takes tells
 * nothing.
 */
export function tokenOf(tokens: readonly ApiToken[], text: string): ApiToken | undefined {
  const digest = createHash('sha256').update(text).digest();
  const matching = tokens.filter(({ sha256 }) => timingSafeEqual(Buffer.from(sha256, 'hex'), digest));
  return matching[0];
}

/** The token in an `Authorization` header. */
export const bearerIn = (authorization: string | undefined): string | undefined =>
  /^Bearer +([\x21-\x7e]+)$/i.exec(authorization ?? '')?.[1];

/** Whose token an `Authorization` header holds (RFC 6750). */
export function principalOf(
  tokens: readonly ApiToken[],
  authorization: string | undefined,
): Principal | undefined {
  const text = bearerIn(authorization);
  const token = text === undefined ? undefined : tokenOf(tokens, text);
  return token && { name: token.name, role: token.role };
}
