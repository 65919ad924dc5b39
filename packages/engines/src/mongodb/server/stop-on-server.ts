import { setTimeout as sleep } from 'node:timers/promises';
import type { AskTarget } from './ask-target.js';
import { clientOf, closeClient } from './client.js';

/** How long the server gets to name its operations, and to obey: each. */
const GRACE_MS = 2_000;

/**
 * Kills what the clients of this name still do. If the server does not obey, the caller drops the connection (which ends
 * an operation too, in every MongoDB since 4.2) and the next question gets another.
 */
export async function stopOnServer(
  target: AskTarget,
  appName: string,
  settled: Promise<unknown>,
): Promise<void> {
  const client = clientOf(target, { promoteValues: true });
  try {
    const admin = client.db('admin');
    const running = await within(admin.command({ currentOp: 1, appName }));
    const operations: unknown = running?.['inprog'];
    for (const operation of Array.isArray(operations) ? operations : []) {
      // A server that knows no such filter names others' too.
      if (operation.appName === appName) await within(admin.command({ killOp: 1, op: operation.opid }));
    }
    await within(settled);
  } catch {
    // A server that does not let us stop an operation is no answer to the question; its limit has been kept.
  } finally {
    await closeClient(client);
  }
}

async function within<T>(work: Promise<T>): Promise<T | undefined> {
  const timer = new AbortController();
  try {
    return await Promise.race([work, sleep(GRACE_MS, undefined, { signal: timer.signal })]);
  } finally {
    timer.abort();
  }
}
