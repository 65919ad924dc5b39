import { formatSize, MusterError } from '@muster/core';
import type pg from 'pg';
import type { BackupToAdmit } from '../../target/target.js';
import { neededExtensions } from '../admit.js';
import { ownersOf, quoteIdentifier, rolesOf } from '../format/roles.js';
import type { Toc } from '../format/toc.js';
import { isPostgresFacts } from '../postgres-facts.js';
import { withLogin } from './login.js';
import { requireSettable, settingsOf } from './properties.js';
import type { PostgresSurvey } from './survey.js';

/** {@link TargetDriver.admit} of PostgreSQL. */
export async function admitToTarget(
  survey: PostgresSurvey,
  { facts, sizeBytes }: BackupToAdmit,
  signal: AbortSignal,
): Promise<readonly string[]> {
  if (survey.readOnly !== undefined)
    throw new MusterError(
      'target_read_only',
      `Nothing can be written to the target: ${survey.readOnly}. Name its primary, or another target.`,
    );
  if (facts.major > survey.major)
    throw new MusterError(
      'target_older',
      `The backup is of PostgreSQL ${facts.major}, and the target is ${survey.serverVersion}, which is older. Restore into a server of version ${facts.major} or newer.`,
    );
  requireRights(survey);
  requireSpace(survey, sizeBytes);
  await withLogin(survey.login, survey.login.maintenance, signal, async (client) => {
    await requireExtensions(client, survey, neededExtensions(facts) ?? []);
    if (isPostgresFacts(facts) && facts.toc) await requireRoles(client, survey, facts.toc);
    if (survey.exists) await requireSettable(client, await settingsOf(client, survey.name, survey.name));
  });
  return facts.major < survey.major
    ? [
        `The target is PostgreSQL ${survey.serverVersion}, newer than the backup's ${facts.major}: what restores is an upgrade.`,
      ]
    : [];
}

function requireRights({ mayCreate, owns, name, login, exists }: PostgresSurvey): void {
  const user = quoteIdentifier(login.uri.user);
  if (!mayCreate)
    throw new MusterError(
      'target_rights_missing',
      `The user ${user} may make no database on the target, and a backup is restored into one beside it first: ALTER ROLE ${user} CREATEDB, or name another user.`,
    );
  if (exists && !owns)
    throw new MusterError(
      'target_rights_missing',
      `The database ${quoteIdentifier(name)} is not the user's ${user}, who may not rename it: ALTER DATABASE ${quoteIdentifier(name)} OWNER TO ${user}, or name its owner or a superuser.`,
    );
}

/** A dump is smaller than what it becomes, as a rule: where not even that fits, nothing does. */
function requireSpace({ freeBytes, bytes, name }: PostgresSurvey, sizeBytes: number): void {
  const needed = Math.max(sizeBytes, bytes);
  if (freeBytes === undefined || freeBytes >= needed) return;
  throw new MusterError(
    'no_space',
    `The disk of the target has ${formatSize(freeBytes)} free, and the backup needs about ${formatSize(needed)} beside what is there. Make room, or drop the database ${quoteIdentifier(name)} yourself first.`,
  );
}

async function requireExtensions(
  client: pg.Client,
  { superuser, login }: PostgresSurvey,
  needed: readonly string[],
): Promise<void> {
  const { rows } = await client.query<{ name: string; there: string; trusted: string }>(
    `SELECT name, (a.default_version IS NOT NULL)::text AS there,
      EXISTS (SELECT FROM pg_catalog.pg_available_extension_versions v
        WHERE v.name = n.name AND (NOT v.superuser OR coalesce((pg_catalog.to_jsonb(v) ->> 'trusted')::boolean, false)))::text AS trusted
     FROM pg_catalog.unnest($1::text[]) AS n(name) LEFT JOIN pg_catalog.pg_available_extensions a USING (name)`,
    [needed.filter((name) => name !== 'plpgsql')],
  );
  const missing = rows.filter(({ there }) => there !== 'true').map(({ name }) => name);
  if (missing.length > 0)
    throw new MusterError(
      'extension_missing',
      `The backup needs ${counted(missing, 'the extension', 'the extensions')}, which the target's server has not. Install ${missing.length === 1 ? 'it' : 'them'} there, then run the same command again.`,
    );
  const forbidden = rows.filter(({ trusted }) => trusted !== 'true').map(({ name }) => name);
  if (!superuser && forbidden.length > 0)
    throw new MusterError(
      'target_rights_missing',
      `Only a superuser may make ${counted(forbidden, 'the extension', 'the extensions')} of the backup, and ${quoteIdentifier(login.uri.user)} is none. Name a superuser.`,
    );
}

async function requireRoles(
  client: pg.Client,
  { superuser, login }: PostgresSurvey,
  toc: Toc,
): Promise<void> {
  const { rows } = await client.query<{ name: string; there: string; member: string }>(
    `SELECT name, (r.oid IS NOT NULL)::text AS there,
      coalesce(pg_catalog.pg_has_role(r.oid, 'MEMBER'), false)::text AS member
     FROM pg_catalog.unnest($1::text[]) AS n(name) LEFT JOIN pg_catalog.pg_roles r ON r.rolname = n.name`,
    [rolesOf(toc)],
  );
  const missing = rows.filter(({ there }) => there !== 'true').map(({ name }) => name);
  if (missing.length > 0) throw rolesMissing(missing);
  const owners = new Set(ownersOf(toc));
  const foreign = rows
    .filter(({ name, member }) => owners.has(name) && member !== 'true')
    .map(({ name }) => name);
  if (!superuser && foreign.length > 0)
    throw new MusterError(
      'target_rights_missing',
      `The user ${quoteIdentifier(login.uri.user)} is no member of ${counted(foreign, 'the role', 'the roles')} that ${foreign.length === 1 ? 'owns' : 'own'} what is in the backup. Name a superuser, or GRANT ${foreign.slice(0, SHOWN).map(quoteIdentifier).join(', ')} TO ${quoteIdentifier(login.uri.user)}.`,
    );
}

export const rolesMissing = (names: readonly string[]): MusterError =>
  new MusterError(
    'role_missing',
    `The target has not ${counted(names, 'the role', 'the roles')} that ${names.length === 1 ? 'owns' : 'own'} or may use what is in the backup. Make ${names.length === 1 ? 'it' : 'them'} first (${names
      .slice(0, SHOWN)
      .map((name) => `CREATE ROLE ${quoteIdentifier(name)};`)
      .join(
        ' ',
      )} with LOGIN for one that somebody logs in as), or run the globals.sql that lies beside the backup.`,
  );

const SHOWN = 5;

const counted = (names: readonly string[], one: string, several: string): string =>
  `${names.length === 1 ? one : several} ${names.slice(0, SHOWN).map(quoteIdentifier).join(', ')}${names.length > SHOWN ? ` and ${names.length - SHOWN} more` : ''}`;
