import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import { join } from 'node:path';
import { MusterError } from '@muster/core';
import type { Environment } from '../environment.js';
import { ensurePrivate, stateDirectory } from '../places.js';
import { embeddedRedisSocket } from './redis-place.js';

export interface StateLock {
  release(): Promise<void>;
}

/**
 * The state directory for one process alone: its Redis and its index are spoilt where two have them open. It is held by
 * flock(1), whose program ends with its stdin, and so with whoever took it, even by SIGKILL. Where there is no flock,
 * just a Redis that is up keeps others out. @throws `redis_unavailable` where another has it, `state_unwritable`.
 */
export async function lockState(environment: Environment): Promise<StateLock> {
  const state = await ensurePrivate(stateDirectory(environment));
  // In a session of its own: Ctrl-C at the terminal is not for it.
  const holder = spawn('flock', ['-n', join(state, 'up.lock'), 'cat'], {
    detached: true,
    stdio: ['pipe', 'pipe', 'ignore'],
  });
  holder.stdin.on('error', () => {});
  // What it is told comes back from whoever has the lock.
  holder.stdin.write('.');
  const ended = once(holder, 'exit').then(
    () => 'taken' as const,
    () => 'no flock' as const,
  );
  const answer = await Promise.race([once(holder.stdout, 'data').then(() => 'held' as const), ended]);
  const release = async (): Promise<void> => {
    holder.stdin.end();
    await ended;
  };
  // The Redis of a killed one may be about to end.
  if (answer === 'taken' || (await isListenedOn(embeddedRedisSocket(environment)))) {
    await release();
    throw new MusterError(
      'redis_unavailable',
      `Another muster up runs with the state directory ${state}: stop it, or name another with MUSTER_STATE_DIR.`,
    );
  }
  return { release };
}

/** Also by a Redis that loads its data, or is busy, and does not answer yet. */
function isListenedOn(socket: string): Promise<boolean> {
  return new Promise((resolve) => {
    const connection = connect(socket, () => {
      connection.destroy();
      resolve(true);
    });
    connection.once('error', () => resolve(false));
  });
}
