import { orAborted } from '@muster/core';
import { type Kysely, sql } from 'kysely';
import type { DrillIndex, DrillQuery, IndexedReceipt } from './drill-index.js';
import { indexFault } from './index-fault.js';
import { migrate } from './migrations.js';
import { checkRows, drillRow, indexedDrill } from './rows.js';
import { SCHEMA, type Tables } from './tables.js';

const BATCH = 500;
/** Rows deleted by one statement, so that each stays far within the statement timeout. */
const DELETED_AT_ONCE = 10_000;
/** "muster", as the key of an advisory lock. */
const REBUILD_LOCK = 0x6d75_7374;

/** The index over a database whose dialect is set; migrates it, owns it from here on, and closes it if that fails. */
export async function openIndex(
  opened: Kysely<Tables>,
  location: string,
  signal: AbortSignal,
): Promise<DrillIndex> {
  const db = opened.withSchema(SCHEMA);
  const guarded = async <T>(signal: AbortSignal, work: () => Promise<T>): Promise<T> => {
    signal.throwIfAborted();
    try {
      return await work();
    } catch (error) {
      throw signal.aborted ? signal.reason : indexFault(error, location);
    }
  };
  try {
    await guarded(signal, () => orAborted(migrate(opened), signal));
  } catch (error) {
    await opened.destroy().catch(() => undefined);
    throw error;
  }
  return {
    location,
    put: (receipt, signal) =>
      guarded(signal, () =>
        orAborted(
          db.transaction().execute((inner) => insert(inner, [receipt])),
          signal,
        ),
      ),
    list: (query, signal) => guarded(signal, () => orAborted(list(db, query), signal)),
    lastPasses: ({ source }, signal) => guarded(signal, () => orAborted(lastPasses(db, source), signal)),
    get: (drillId, signal) =>
      guarded(signal, async () => {
        const found = db.selectFrom('drills').select(['key', 'sha256', 'proves', 'statement']);
        const row = await orAborted(found.where('drill_id', '=', drillId).executeTakeFirst(), signal);
        return row && indexedDrill(row);
      }),
    // Never left alone: when it returns, the transaction has ended.
    rebuild: (receipts, signal) =>
      guarded(signal, () => db.transaction().execute((inner) => rebuild(inner, receipts, signal))),
    close: () => opened.destroy(),
  };
}

async function insert(db: Kysely<Tables>, receipts: readonly IndexedReceipt[]): Promise<void> {
  const inserted = await db
    .insertInto('drills')
    .values(receipts.map(drillRow))
    .onConflict((conflict) => conflict.doNothing())
    .returning('drill_id')
    .execute();
  const fresh = new Set(inserted.map((row) => row.drill_id));
  // Two receipts of one drill: the first stands, and so do its checks.
  const rows = receipts.flatMap(({ statement }) =>
    fresh.delete(statement.predicate.drill_id) ? checkRows(statement) : [],
  );
  // A statement takes 65,535 parameters at the most.
  for (let start = 0; start < rows.length; start += 5000) {
    await db
      .insertInto('checks')
      .values(rows.slice(start, start + 5000))
      .execute();
  }
}

async function list(db: Kysely<Tables>, { source, result, since, before, limit }: DrillQuery) {
  const rows = await db
    .selectFrom('drills')
    .select(['key', 'sha256', 'proves', 'statement'])
    .$if(source !== undefined, (query) => query.where('source', '=', source ?? ''))
    .$if(result !== undefined, (query) => query.where('result', '=', result ?? ''))
    .$if(since !== undefined, (query) => query.where('asked_at', '>=', since ?? new Date(0)))
    .$if(before !== undefined, (query) => query.where('drill_id', '<', before ?? ''))
    .orderBy('drill_id', 'desc')
    .limit(limit)
    .execute();
  return rows.map(indexedDrill);
}

async function lastPasses(db: Kysely<Tables>, source: string | undefined) {
  const rows = await db
    .selectFrom('drills')
    .select(({ fn }) => ['source', fn.max('asked_at').as('at')])
    .where('proves', '=', true)
    .$if(source !== undefined, (query) => query.where('source', '=', source ?? ''))
    .groupBy('source')
    .execute();
  return rows.map(({ source, at }) => ({ source, at: new Date(at) }));
}

/**
 * Deletes first and reads `receipts` only then: what is put while this runs was stored either before it, and is among
 * the receipts, or after it, and stays.
 */
async function rebuild(
  db: Kysely<Tables>,
  receipts: AsyncIterable<IndexedReceipt>,
  signal: AbortSignal,
): Promise<number> {
  const lock = sql<{ taken: boolean }>`SELECT pg_try_advisory_xact_lock(${sql.lit(REBUILD_LOCK)}) AS taken`;
  const { rows } = await lock.execute(db);
  if (rows[0]?.taken !== true) throw Object.assign(new Error(), { code: '55P03' });
  for (let deleted = DELETED_AT_ONCE; deleted >= DELETED_AT_ONCE; ) {
    signal.throwIfAborted();
    const some = db.selectFrom('drills').select('drill_id').limit(DELETED_AT_ONCE);
    deleted = Number(
      (await db.deleteFrom('drills').where('drill_id', 'in', some).executeTakeFirst()).numDeletedRows,
    );
  }
  let batch: IndexedReceipt[] = [];
  for await (const receipt of receipts) {
    signal.throwIfAborted();
    if (batch.push(receipt) < BATCH) continue;
    await insert(db, batch);
    batch = [];
  }
  if (batch.length > 0) await insert(db, batch);
  signal.throwIfAborted();
  const { count } = await db
    .selectFrom('drills')
    .select((select) => select.fn.countAll().as('count'))
    .executeTakeFirstOrThrow();
  return Number(count);
}
