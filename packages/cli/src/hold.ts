import type { SourceKind } from '@muster/core';
import type { KeptScratch } from '@muster/drill';
import type { Cli } from './cli.js';
import { registerKept } from './kept-register.js';
import { stateDirectory } from './places.js';
import { fields } from './render/fields.js';
import { commandName } from './terminal/shell.js';

/** A scratch that outlives its drill for a while. */
export interface Held {
  readonly drillId: string;
  readonly slug: string;
  readonly kind: SourceKind;
  readonly kept: KeptScratch;
  readonly serverVersion: string;
  readonly expiresAt: Date;
}

/**
 * Holds a scratch in the foreground until its time is over, somebody interrupts, or it ends by itself; until then
 * `check test` finds it from another terminal. Its release stays with the caller.
 */
export async function hold(cli: Cli, held: Held, signal: AbortSignal): Promise<void> {
  const { environment, output } = cli;
  const { kept } = held;
  const unregister = await registerKept(stateDirectory(environment), {
    drillId: held.drillId,
    slug: held.slug,
    kind: held.kind,
    database: kept.database,
    socketDir: kept.socketDir,
    serverVersion: held.serverVersion,
    connectCommand: kept.connectCommand,
    backupCreatedAt: kept.backupCreatedAt.toISOString(),
    pid: process.pid,
    expiresAt: held.expiresAt.toISOString(),
  });
  try {
    output.note('');
    output.note(
      `The scratch stays up until ${held.expiresAt.toTimeString().slice(0, 5)}, or until Ctrl-C. From another terminal:`,
    );
    const commands = fields(
      [
        ['connect', kept.connectCommand],
        ['checks', `${commandName(environment.env)} check test ID --source ${held.slug}`],
      ],
      output.errStyle,
    );
    for (const line of commands) output.note(`  ${line}`);
    const why = await ending(held, environment.now(), signal);
    output.note(why === 'lost' ? 'The scratch ended by itself.' : 'The scratch is taken down.');
  } finally {
    await unregister();
  }
}

function ending(
  { kept, expiresAt }: Held,
  now: Date,
  signal: AbortSignal,
): Promise<'over' | 'interrupted' | 'lost'> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => resolve('over'), expiresAt.getTime() - now.getTime());
    const interrupted = (): void => {
      clearTimeout(timer);
      resolve('interrupted');
    };
    if (signal.aborted) interrupted();
    signal.addEventListener('abort', interrupted, { once: true });
    void kept.lost.then(() => {
      clearTimeout(timer);
      resolve('lost');
    });
  });
}
