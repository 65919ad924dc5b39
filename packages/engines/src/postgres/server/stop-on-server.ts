import { setTimeout as sleep } from 'node:timers/promises';
import type pg from 'pg';
import type { AskTarget } from '../ask-target.js';
import { connect, drop, processId } from './client.js';

/** How long the server gets to let a second connection in, to obey a cancel, and to obey a termination: each. */
const GRACE_MS = 2_000;

/**
 * Stops a session that has not come to its end: first its statement, then the session. If the server obeys neither,
 * the caller drops the connection and the next question gets another.
 */
export async function stopOnServer(
  target: AskTarget,
  session: {
    /** Absent where the server never let it in. */
    readonly client: pg.Client | undefined;
    readonly applicationName: string;
    /** Resolves when the server answered what it was last asked. */
    readonly settled: Promise<unknown>;
  },
): Promise<void> {
  let second: pg.Client | undefined;
  try {
    second = await connect(
      {
        host: target.host,
        major: target.major,
        database: target.maintenanceDatabase,
        applicationName: 'muster',
        ...(target.as && { as: target.as }),
      },
      AbortSignal.any([AbortSignal.timeout(GRACE_MS), target.lost]),
    );
    const pid = session.client === undefined ? 0 : processId(session.client);
    const signalBackend = (call: 'pg_cancel_backend' | 'pg_terminate_backend') =>
      within(
        second?.query(
          `SELECT pg_catalog.${call}(a.pid) FROM pg_catalog.pg_stat_activity a
            WHERE a.pid OPERATOR(pg_catalog.=) $1 OR a.application_name OPERATOR(pg_catalog.=) $2`,
          [pid, session.applicationName],
        ),
      );
    if (session.client !== undefined) {
      await signalBackend('pg_cancel_backend');
      if (await within(session.settled.then(() => true))) return;
    }
    await signalBackend('pg_terminate_backend');
    await within(session.settled.then(() => true));
  } catch {
    // A server that does not let us stop a session is no answer to the question; its limit has been kept.
  } finally {
    if (second !== undefined) drop(second);
  }
}

async function within<T>(work: Promise<T> | undefined): Promise<T | undefined> {
  const timer = new AbortController();
  try {
    return await Promise.race([work, sleep(GRACE_MS, undefined, { signal: timer.signal })]);
  } finally {
    timer.abort();
  }
}
