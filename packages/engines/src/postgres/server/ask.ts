import { randomUUID } from 'node:crypto';
import { type Answer, type Check, MusterError, orAborted, type SummaryRow } from '@muster/core';
import pg from 'pg';
import type { AskOptions } from '../../engine.js';
import type { AskTarget } from '../ask-target.js';
import { type ConnectionTarget, close, connect, drop } from './client.js';
import { stopOnServer } from './stop-on-server.js';
import { isUnknownType, summaryValue, type TypeFacts } from './value.js';

/**
 * More than this is not a summary. It bounds what a hostile backup or a mistaken question takes here, in Redis, where the
 * receipt goes through, and wherever drills are listed by the hundred.
 */
const MAX_ANSWER_BYTES = 256 * 1024;

type Row = readonly (string | null)[];
interface FirstRow {
  readonly kind: 'row';
  readonly fields: readonly pg.FieldDef[];
  readonly row: Row;
}
type First = FirstRow | Exclude<Answer, { readonly kind: 'row' }>;

/**
 * Asks one check on a connection of its own, and waits for the server to be rid of it: one statement in the extended
 * protocol, so that it cannot be several, without a row limit, which would lose parallel plans. Reading stops at the
 * second row. @throws only `cancelled`.
 */
export async function ask(
  target: AskTarget,
  check: Pick<Check, 'readOnly'> & { readonly question: { readonly summarySql: string } },
  options: Pick<AskOptions, 'database' | 'backupCreatedAt' | 'timeoutMs'>,
  signal: AbortSignal,
): Promise<Answer> {
  const deadline = AbortSignal.timeout(options.timeoutMs);
  const stop = AbortSignal.any([deadline, target.lost, signal]);
  const applicationName = `muster ${randomUUID()}`;
  let received = 0;
  const connection: ConnectionTarget = {
    host: target.host,
    major: target.major,
    database: options.database,
    applicationName,
    ...(target.as && { as: target.as }),
    ...(options.backupCreatedAt === undefined
      ? {}
      : { settings: { 'muster.backup_created_at': options.backupCreatedAt.toISOString() } }),
    onBytes: (count) => {
      received += count;
      return received <= MAX_ANSWER_BYTES;
    },
  };

  let client: pg.Client | undefined;
  let settled: Promise<unknown> = Promise.resolve();
  /** One step of the talk with the server: given up at `stop`, while `settled` keeps watching it. */
  const step = <T>(work: Promise<T>): Promise<T> => {
    settled = work.catch(() => undefined);
    return orAborted(work, stop);
  };
  let answer: Answer;
  let idle = false;
  try {
    client = await connect(connection, stop);
    if (check.readOnly) await step(client.query('BEGIN READ ONLY'));
    const { first, done } = readFirst(client, check.question.summarySql);
    settled = done.catch(() => undefined);
    const told = await orAborted(first, stop);
    // The piece that is too much may also be the last one.
    const outcome: First = received > MAX_ANSWER_BYTES ? { kind: 'row_too_large' } : told;
    if (outcome.kind === 'row') {
      answer = { kind: 'row', row: summaryRow(outcome, await step(typesOf(client, outcome))) };
    } else {
      answer = outcome;
    }
    idle = outcome.kind !== 'multiple_rows' && outcome.kind !== 'row_too_large';
  } catch (error) {
    if (signal.aborted) answer = { kind: 'server_lost' };
    else if (deadline.aborted) answer = { kind: 'timeout' };
    else if (received > MAX_ANSWER_BYTES) answer = { kind: 'row_too_large' };
    else if (error instanceof pg.DatabaseError && error.severity === 'ERROR') {
      answer = { kind: 'query_failed', code: error.code ?? 'XX000', message: error.message };
      idle = true;
    } else answer = await lostOrEnded(target, connection, error, stop);
  }
  const serverThere = !signal.aborted && !target.lost.aborted && answer.kind !== 'server_lost';
  if (idle && client !== undefined) await close(client);
  else if (serverThere) await stopOnServer(target, { client, applicationName, settled });
  if (client !== undefined) drop(client);
  if (signal.aborted) throw new MusterError('cancelled', 'The drill was cancelled while a check was asked.');
  return answer;
}

/**
 * A connection that broke: the server is gone, or it is well and only this session ended (a question may end its own
 * backend, and one that the server would not let in is a question that failed).
 */
async function lostOrEnded(
  target: AskTarget,
  connection: ConnectionTarget,
  error: unknown,
  stop: AbortSignal,
): Promise<Answer> {
  try {
    const { host, major, applicationName, as } = connection;
    const within = AbortSignal.any([AbortSignal.timeout(5_000), stop]);
    await close(
      await connect(
        { host, major, applicationName, database: target.maintenanceDatabase, ...(as && { as }) },
        within,
      ),
    );
  } catch {
    return { kind: 'server_lost' };
  }
  const known = error instanceof pg.DatabaseError ? error : undefined;
  return {
    kind: 'query_failed',
    code: known?.code ?? '08006',
    message: known?.message ?? 'The connection ended before the answer did.',
  };
}

/** `first` tells as soon as it is known; `done` resolves when the server is done with the statement. */
function readFirst(
  client: pg.Client,
  text: string,
): { readonly first: Promise<First>; readonly done: Promise<void> } {
  const first = Promise.withResolvers<First>();
  const done = Promise.withResolvers<void>();
  // Whoever stopped waiting for one of them does not hear of its failure.
  first.promise.catch(() => undefined);
  const query = new pg.Query<Row>({ text, rowMode: 'array', queryMode: 'extended' } as pg.QueryArrayConfig);
  let row: Row | undefined;
  query.on('row', (next: Row) => {
    if (row === undefined) row = next;
    else first.resolve({ kind: 'multiple_rows' });
  });
  query.on('error', (error) => {
    first.reject(error);
    done.reject(error);
  });
  query.on('end', (result) => {
    first.resolve(row === undefined ? { kind: 'no_rows' } : { kind: 'row', fields: result.fields, row });
    done.resolve();
  });
  client.query(query);
  return { first: first.promise, done: done.promise };
}

async function typesOf(client: pg.Client, { fields }: FirstRow): Promise<ReadonlyMap<number, TypeFacts>> {
  const unknown = fields.map((field) => field.dataTypeID).filter(isUnknownType);
  if (unknown.length === 0) return new Map();
  const { rows } = await client.query<string[]>({
    text: `SELECT t.oid, t.typname, t.typcategory, t.typtype FROM pg_catalog.pg_type t
      WHERE t.oid OPERATOR(pg_catalog.=) ANY ($1::pg_catalog.oid[])`,
    values: [unknown],
    rowMode: 'array',
  });
  return new Map(
    rows.map(([oid = '', name = '', category = '', kind = '']) => [Number(oid), { name, category, kind }]),
  );
}

function summaryRow({ fields, row }: FirstRow, types: ReadonlyMap<number, TypeFacts>): SummaryRow {
  return {
    columns: fields.map(({ name, dataTypeID }, index) => ({
      name,
      value: summaryValue(row[index] ?? null, dataTypeID, types.get(dataTypeID)),
    })),
  };
}
