import { randomUUID } from 'node:crypto';
import { type Answer, type Check, MusterError, orAborted } from '@muster/core';
import type { MongoClient, MongoServerError } from 'mongodb';
import type { AskOptions } from '../../engine.js';
import type { AskTarget } from './ask-target.js';
import { clientOf, closeClient, codeOf } from './client.js';
import { isServerError } from './driver.js';
import { NotBson } from './extended-json.js';
import { stopOnServer } from './stop-on-server.js';
import { type MongoQuestion, questionOf, writingStage } from './summary-find.js';
import { summaryRow } from './value.js';

/** More than this is not a summary: as with PostgreSQL. */
const MAX_ROW_BYTES = 256 * 1024;
/** How long after its limit the server itself may take to say that a question is over it. */
const MERCY_MS = 500;
/** How long a server that is well takes to answer a ping. */
const PING_MS = 5_000;

/** https://github.com/mongodb/mongo/blob/master/src/mongo/base/error_codes.yml */
const MAX_TIME_EXPIRED = 50;
const ILLEGAL_OPERATION = 20;
const SOCKET_EXCEPTION = 9001;
const TOO_LARGE = 10334;

/**
 * Asks one check with a client of its own, and waits for the server to be rid of it: `maxTimeMS` bounds it there, and
 * what goes on past that is killed. @throws only `cancelled`.
 */
export async function ask(
  target: AskTarget,
  check: Pick<Check, 'readOnly' | 'expectation'> & {
    readonly question: { readonly summaryFind: ReadonlyMap<string, unknown> };
  },
  options: Pick<AskOptions, 'backupCreatedAt' | 'timeoutMs'>,
  signal: AbortSignal,
): Promise<Answer> {
  const deadline = AbortSignal.timeout(options.timeoutMs + MERCY_MS);
  const stop = AbortSignal.any([deadline, target.lost, signal]);
  const appName = `muster ${randomUUID()}`;
  let client: MongoClient | undefined;
  let settled: Promise<unknown> = Promise.resolve();
  let answer: Answer;
  try {
    const question = questionOf(check.question.summaryFind);
    const writes = check.readOnly ? writingStage(question) : undefined;
    if (writes !== undefined) return refusal(writes);
    stop.throwIfAborted();
    client = clientOf(target, { appName, maxPoolSize: 1 });
    const asking = put(client, question, {
      ...options,
      major: target.major,
      column: check.expectation.column,
    });
    settled = asking.catch(() => undefined);
    answer = await orAborted(asking, stop);
  } catch (error) {
    if (signal.aborted) answer = { kind: 'server_lost' };
    else if (deadline.aborted) answer = { kind: 'timeout' };
    else if (isServerError(error)) answer = answerOf(error);
    else if (error instanceof NotBson) answer = { kind: 'query_failed', message: error.message };
    else answer = await lostOrEnded(target, error, stop);
  }
  if (client !== undefined) {
    const goesOn = deadline.aborted && !signal.aborted && !target.lost.aborted;
    if (goesOn) await stopOnServer(target, appName, settled);
    await closeClient(client);
  }
  if (signal.aborted) throw new MusterError('cancelled', 'The drill was cancelled while a check was asked.');
  return answer;
}

async function put(
  client: MongoClient,
  question: MongoQuestion,
  options: Pick<AskOptions, 'backupCreatedAt' | 'timeoutMs'> & {
    readonly major: number;
    readonly column: string;
  },
): Promise<Answer> {
  const { backupCreatedAt, timeoutMs: maxTimeMS, major, column } = options;
  const database = client.db(question.database);
  if (question.kind === 'list_collections') {
    let count = 0;
    for await (const { name } of database.listCollections(
      {},
      { nameOnly: true, promoteValues: true, maxTimeMS },
    ))
      if (!name.startsWith('system.')) count += 1;
    return { kind: 'row', row: countRow(count) };
  }
  const cursor = database.collection(question.collection).aggregate([...question.pipeline], {
    raw: true,
    batchSize: 1,
    maxTimeMS,
    // Servers before 5.0 have no variables there: a question that uses one fails, and says so.
    ...(backupCreatedAt !== undefined && major >= 5 && { let: { backup_created_at: backupCreatedAt } }),
  });
  try {
    const first: unknown = await cursor.next();
    if (first === null) return question.counts ? { kind: 'row', row: countRow(0) } : { kind: 'no_rows' };
    if (!(first instanceof Uint8Array)) throw new NotBson('The answer is no BSON document.');
    if (first.length > MAX_ROW_BYTES) return { kind: 'row_too_large' };
    const row = summaryRow(first, column);
    const columns = question.counts ? row.columns.filter(({ name }) => name !== '_id') : row.columns;
    return { kind: 'row', row: { columns } };
  } finally {
    await cursor.close();
  }
}

const countRow = (count: number) => ({
  columns: [{ name: 'n', value: { kind: 'number', text: String(count) } as const }],
});

function answerOf(error: MongoServerError): Answer {
  const code = codeOf(error);
  if (code === MAX_TIME_EXPIRED) return { kind: 'timeout' };
  if (code === TOO_LARGE) return { kind: 'row_too_large' };
  return {
    kind: 'query_failed',
    ...(code === undefined ? {} : { code: String(code) }),
    message: error.message,
  };
}

const refusal = (stage: string): Answer => ({
  kind: 'query_failed',
  code: String(ILLEGAL_OPERATION),
  message: `The check is read_only, and ${stage} writes.`,
});

/** A connection that broke: the server is gone, or it is well and only this question's connection ended. */
async function lostOrEnded(target: AskTarget, error: unknown, stop: AbortSignal): Promise<Answer> {
  const client = clientOf(target);
  try {
    const within = AbortSignal.any([AbortSignal.timeout(PING_MS), stop]);
    await orAborted(client.db('admin').command({ ping: 1 }), within);
  } catch {
    return { kind: 'server_lost' };
  } finally {
    await closeClient(client);
  }
  const message = error instanceof Error ? error.message : String(error);
  return { kind: 'query_failed', code: String(SOCKET_EXCEPTION), message };
}
