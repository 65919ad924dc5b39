import { type ApiToken, ROLES } from '@muster/core';
import { makeToken } from './listen.js';

/** A token of each role. */
export const secrets = Object.fromEntries(ROLES.map((role) => [role, makeToken()]));

/** As the configuration has them. */
export const tokens: readonly ApiToken[] = ROLES.map((role) => ({
  name: role,
  role,
  sha256: secrets[role]?.sha256 ?? '',
}));

/** Of a role that there is none of: a token that nobody knows. */
export const bearer = (role: string) => ({
  authorization: `Bearer ${secrets[role]?.token ?? 'mst_unknown'}`,
});
