import { isEvidence, MusterError } from '@muster/core';
import type pg from 'pg';
import type {
  BeginRestore,
  LeftState,
  TargetDriver,
  TargetRestore,
  TargetSurvey,
} from '../../target/target.js';
import { databasePropertiesOf, quoteIdentifier } from '../format/roles.js';
import { parseConnectionUri } from '../live/connection-uri.js';
import { isPostgresFacts, type PostgresFacts } from '../postgres-facts.js';
import { ask } from '../server/ask.js';
import { drop } from '../server/client.js';
import { admitToTarget, rolesMissing } from './admit.js';
import { giveBack } from './give-back.js';
import { addressOf, type Login, openSession, optionsOf, withLogin } from './login.js';
import { commentOf, dropBeside, endSessions, makeBeside, mark } from './make-beside.js';
import { besideName, keptName, type Marker, readMarker } from './names.js';
import { requireSettable } from './properties.js';
import { restoreByTool } from './run-tool.js';
import { isEmptyDatabase, type PostgresSurvey, surveyTarget } from './survey.js';
import { swap } from './swap.js';

/** How long a restore that failed may take to clear up behind itself. */
const GIVE_UP_MS = 20_000;

/**
 * PostgreSQL: a backup is restored into a database beside the target, and takes its name when it is whole. Until then the
 * target is what it was, and after it what was there is kept under another name.
 */
export const postgresTarget: TargetDriver = {
  survey: surveyTarget,
  admit: (_uri, survey, backup, signal) => admitToTarget(own(survey), backup, signal),
  begin: (_uri, survey, begin, signal) => beginRestore(own(survey), begin, signal),
  isSame: (uri, other) => {
    const [one, two] = [parseConnectionUri(uri), parseConnectionUri(other)];
    return (
      one.database === two.database &&
      one.hosts.some((a) => two.hosts.some((b) => a.host === b.host && a.port === b.port))
    );
  },
};

function own(survey: TargetSurvey): PostgresSurvey {
  if ('login' in survey) return survey as PostgresSurvey;
  throw new MusterError('internal', 'The target was surveyed by another engine.');
}

async function beginRestore(
  survey: PostgresSurvey,
  { facts, backup, restoreId, tools }: BeginRestore,
  signal: AbortSignal,
): Promise<TargetRestore> {
  if (!isPostgresFacts(facts))
    throw new MusterError('internal', 'The backup was identified by another engine.');
  const { login, name } = survey;
  const beside = besideName(name);
  const sessions: pg.Client[] = [];
  const open = async (within: AbortSignal): Promise<pg.Client> => {
    const session = await openSession(login, login.maintenance, within);
    sessions.push(session);
    return session;
  };
  let state: LeftState | 'nothing' | 'making' | 'done' = 'nothing';
  let outcome = '';
  try {
    const control = await open(signal);
    await requireAlone(control, name);
    // Since the survey a person was asked, and another restore may have been there.
    const left = await leftIn(control, beside);
    const isWhole = left?.state === 'whole' && left.backup === backup;
    if (isWhole) state = 'whole';
    else {
      if (left !== undefined) await dropBeside(control, beside);
      await requireNameFree(login, control, beside, signal);
      state = 'making';
      await makeBeside(
        control,
        beside,
        { dump: facts.shape, target: survey.shape },
        { state: 'restoring', backup },
      );
      state = 'restoring';
    }
    return {
      isWhole,
      restore: async (artefact, options, stop) => {
        const restore = {
          ...{ login, database: beside, restoreId, facts, tools, serverMajor: toolMajor(survey, facts) },
          onRoles: (names: readonly string[]) => requireRolesNow(control, names),
        };
        const properties =
          survey.exists || facts.toc === undefined ? [] : databasePropertiesOf(facts.toc, beside);
        await requireSettable(control, properties);
        const report = await restoreByTool(restore, artefact, options, stop);
        // A database that is new takes its settings from the dump, once they are in nobody's way.
        for (const statement of properties) await control.query(statement);
        await mark(control, beside, { state: 'whole', backup });
        state = 'whole';
        return { ...report, databases: [name] };
      },
      finish: async (options, stop) => {
        const kept = survey.exists ? keptName(name, options.now()) : undefined;
        const worker = await open(stop);
        await swap({ control, worker, target: name, beside, ...(kept && { kept }) }, options, stop);
        state = 'done';
        outcome = `The backup is restored whole in the database ${quoteIdentifier(name)}.`;
        if (kept === undefined) {
          if (facts.toc) outcome += await giveBack(worker, facts.toc, name);
          return {};
        }
        if (survey.isEmpty && (await withLogin(login, kept, stop, isEmptyDatabase).catch(() => false))) {
          await dropBeside(control, kept);
          return {};
        }
        outcome += ` What was there is kept as ${quoteIdentifier(kept)}.`;
        return { kept, remove: `DROP DATABASE ${quoteIdentifier(kept)};` };
      },
      ask: async (check, options, stop) => {
        const { question } = check;
        if (question.kind !== 'postgres')
          throw new MusterError('internal', 'A question for MongoDB was put to PostgreSQL.');
        const { signal: lost } = new AbortController();
        const as = { ...addressOf(login), options: optionsOf(login) };
        const target = {
          host: as.host,
          major: survey.major,
          maintenanceDatabase: login.maintenance,
          lost,
          as,
        };
        return await ask(target, { question, readOnly: check.readOnly }, options, stop);
      },
      giveUp: async (error) => {
        if (state === 'done') return outcome;
        const asItWas = survey.exists
          ? `The database ${quoteIdentifier(name)} is as it was.`
          : `There is still no database ${quoteIdentifier(name)}.`;
        if (state === 'whole')
          return `${asItWas} The backup is whole in the database ${quoteIdentifier(beside)}: run the same command again, and only the names have to change.`;
        if (state === 'nothing') return asItWas;
        const isBad = isEvidence(error);
        const cleared = await clearUp(login, async (client) => {
          if (!isBad) return await dropBeside(client, beside);
          await endSessions(client, beside);
          return await mark(client, beside, { state: 'broken', backup });
        });
        if (isBad)
          return `${asItWas} What came back of the backup is in the database ${quoteIdentifier(beside)}, for you to look at; the next restore removes it.`;
        return cleared
          ? `${asItWas} Nothing of the restore is left: run the same command again.`
          : `${asItWas} The database ${quoteIdentifier(beside)} is left half restored: run the same command again, it removes that first.`;
      },
      close: async () => {
        for (const session of sessions) drop(session);
      },
    };
  } catch (error) {
    if (state === 'making') await clearUp(login, (client) => dropBeside(client, beside));
    for (const session of sessions) drop(session);
    throw error;
  }
}

/** @returns whether it was done within the time that a restore which failed may take. */
const clearUp = (login: Login, work: (client: pg.Client) => Promise<unknown>): Promise<boolean> =>
  withLogin(login, login.maintenance, AbortSignal.timeout(GIVE_UP_MS), work).then(
    () => true,
    () => false,
  );

/** What it is restored with is no older than the server, nor than what dumped. */
const toolMajor = ({ major }: PostgresSurvey, facts: PostgresFacts): number => Math.max(major, facts.major);

/** What marks a database as left by a restore; undefined where it is not there, or somebody else's. */
const leftIn = async (control: pg.Client, beside: string): Promise<Marker | undefined> =>
  readMarker(await commentOf(control, beside));

/** One restore at a time beside one target; the server lets the lock go when we are gone. @throws `target_in_use` */
async function requireAlone(control: pg.Client, name: string): Promise<void> {
  const { rows } = await control.query<{ alone: string }>(
    "SELECT pg_catalog.pg_try_advisory_lock(pg_catalog.hashtext('muster restore'), pg_catalog.hashtext($1))::text AS alone",
    // Long names have the same one beside them.
    [besideName(name)],
  );
  if (rows[0]?.alone === 'true') return;
  throw new MusterError(
    'target_in_use',
    `Another restore into the database ${quoteIdentifier(name)} is under way. Wait for it, or end it where it runs.`,
  );
}

/** A database of that name that bears no mark of ours is somebody's, unless nothing is in it. */
async function requireNameFree(
  login: Login,
  control: pg.Client,
  beside: string,
  signal: AbortSignal,
): Promise<void> {
  const { rows } = await control.query('SELECT 1 FROM pg_catalog.pg_database WHERE datname = $1', [beside]);
  if (rows.length === 0) return;
  if (await withLogin(login, beside, signal, isEmptyDatabase)) return await dropBeside(control, beside);
  throw new MusterError(
    'target_in_use',
    `There is a database ${quoteIdentifier(beside)}, which Muster did not make and would need the name of. Rename it, then run the same command again.`,
  );
}

async function requireRolesNow(control: pg.Client, names: readonly string[]): Promise<void> {
  const { rows } = await control.query<{ name: string }>(
    `SELECT name FROM pg_catalog.unnest($1::text[]) AS n(name)
     WHERE NOT EXISTS (SELECT FROM pg_catalog.pg_roles r WHERE r.rolname = n.name)`,
    [names],
  );
  if (rows.length > 0) throw rolesMissing(rows.map(({ name }) => name));
}
