import { setTimeout as sleep } from 'node:timers/promises';
import { MusterError } from '@muster/core';
import pg from 'pg';
import type { FinishOptions } from '../../target/target.js';
import { quoteIdentifier } from '../format/roles.js';
import { commentOf, endSessions, sessionsIn } from './make-beside.js';
import { readMarker } from './names.js';
import { carryOver } from './properties.js';

const LOOK_MS = 500;

export interface Swap {
  /** A session beside all of the databases, and another one of the same. */
  readonly control: pg.Client;
  readonly worker: pg.Client;
  readonly target: string;
  readonly beside: string;
  /** The name of what was there from now on; absent = nothing was there. */
  readonly kept?: string;
}

/**
 * Lets what was restored and what was there change names, in one transaction: whoever connects finds the one or the other,
 * and never neither. @throws `target_in_use` where sessions of others are in the way for too long.
 */
export async function swap(names: Swap, options: FinishOptions, signal: AbortSignal): Promise<void> {
  const { control, target, kept } = names;
  const until = Date.now() + options.waitMs;
  for (;;) {
    signal.throwIfAborted();
    const who = kept === undefined ? undefined : await sessionsIn(control, target);
    if (who === undefined || options.disconnect) {
      if (await rename(names, options.disconnect)) return;
    } else options.onWaiting(who);
    if (Date.now() >= until) throw inUse(target, who);
    await sleep(LOOK_MS, undefined, { signal });
  }
}

/** @returns whether it was done: false where somebody was still connected. */
async function rename(
  { control, worker, target, beside, kept }: Swap,
  disconnect: boolean,
): Promise<boolean> {
  let done = false;
  const renaming = (async () => {
    try {
      await worker.query('BEGIN');
      await worker.query("SET LOCAL lock_timeout = '5s'");
      const said = await commentOf(worker, target);
      // A mark of ours would give what was restored away to the next restore.
      const comment = said === null || readMarker(said) ? 'NULL' : pg.escapeLiteral(said);
      if (kept !== undefined) {
        await carryOver(worker, target, beside);
        await worker.query(`ALTER DATABASE ${quoteIdentifier(target)} RENAME TO ${quoteIdentifier(kept)}`);
      }
      await worker.query(`ALTER DATABASE ${quoteIdentifier(beside)} RENAME TO ${quoteIdentifier(target)}`);
      await worker.query(`COMMENT ON DATABASE ${quoteIdentifier(target)} IS ${comment}`);
      // What was restored is on the disk with this commit, also where the server's own do not wait for it.
      await worker.query(
        "SELECT pg_catalog.set_config(name, 'local', true) FROM pg_catalog.pg_settings WHERE name = 'synchronous_commit' AND setting = 'off'",
      );
      await worker.query('COMMIT');
      return true;
    } catch (error) {
      await worker.query('ROLLBACK').catch(() => undefined);
      // Somebody is connected; or a lock is held, or the other one deadlocked.
      if (error instanceof pg.DatabaseError && /^(?:55006|55P03|40P01)$/.test(error.code ?? '')) return false;
      throw error;
    } finally {
      done = true;
    }
  })();
  // The server lets nobody in while it waits for those that are there: they are ended meanwhile.
  while (disconnect && !done) {
    await endSessions(control, target).catch(() => undefined);
    await Promise.race([renaming.catch(() => undefined), sleep(LOOK_MS / 5)]);
  }
  return await renaming;
}

const inUse = (target: string, who: string | undefined): MusterError =>
  new MusterError(
    'target_in_use',
    `${who === undefined ? 'Something' : `Sessions with these process ids (and application names): ${who}`} still use${who === undefined ? 's' : ''} the database ${JSON.stringify(target)}. Stop what connects to it, then run the same command again, or run it with --disconnect, which ends them.`,
  );
