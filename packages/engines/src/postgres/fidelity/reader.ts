import type { Unavailable } from '@muster/core';
import pg from 'pg';

/** What a question came to: rows, or why there are none. */
export type Read<T> = { readonly rows: readonly T[] } | { readonly unavailable: Unavailable };

/**
 * Reads within one transaction, of which no question that the server refuses makes an end. Each question lets its locks go
 * again: whoever waits for one, such as a TRUNCATE, would else keep the dump itself waiting behind it.
 */
export interface Reader {
  readonly major: number;
  /** Never throws. All values are text. */
  read<T>(sql: string, values?: readonly string[]): Promise<Read<T>>;
}

/** The longest that PostgreSQL takes for a limit. */
const MOST_MS = 2_147_483_647;

const CANCELED = '57014';
const PRIVILEGE = '42501';

/**
 * @param client - in a transaction.
 * @param deadline - of `performance.now()`: what is asked later, or takes longer, is `budget`.
 */
export function readerOf(client: pg.Client, major: number, deadline: number): Reader {
  let lost = false;
  return {
    major,
    async read<T>(sql: string, values: readonly string[] = []): Promise<Read<T>> {
      if (lost) return { unavailable: 'failed' };
      const left = Math.min(MOST_MS, Math.floor(deadline - performance.now()));
      if (left <= 0) return { unavailable: 'budget' };
      try {
        await client.query(`SAVEPOINT muster; SET LOCAL statement_timeout = ${left}`);
        const { rows } = await client.query<T & object>({ text: sql, values: [...values] });
        return { rows };
      } catch (error) {
        const refused = error instanceof pg.DatabaseError && error.severity === 'ERROR';
        lost = !refused;
        return { unavailable: refused ? meaningOf(error.code) : 'failed' };
      } finally {
        const undone = client.query('ROLLBACK TO SAVEPOINT muster; RELEASE SAVEPOINT muster');
        lost = (await undone.catch(() => undefined)) === undefined || lost;
      }
    },
  };
}

function meaningOf(code: string | undefined): Unavailable {
  if (code === CANCELED) return 'budget';
  return code === PRIVILEGE ? 'no_rights' : 'failed';
}
