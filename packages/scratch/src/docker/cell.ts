import { randomBytes } from 'node:crypto';
import type { Duplex, Readable } from 'node:stream';
import { isMusterError, MusterError } from '@muster/core';
import { LABEL_WORKER, type Ownership, toLabels } from '../labels.js';
import { pause, refuseIfAborted, within } from '../limit.js';
import type { Loss } from '../scratch.js';
import { BEAT_MS, type CellConfig, containerOptions, DATA_IN_VOLUME, INNER } from './cell-config.js';
import {
  type Daemon,
  type DaemonInfo,
  type ExecOptions,
  type RunningExec,
  reasonOf,
  statusOf,
} from './daemon.js';
import { demux } from './demux.js';
import { tarDirectory } from './tar-directory.js';

/** A running container that ends with this process. */
export interface Cell {
  readonly user: string;
  /** Names the kernel that the container runs on. */
  readonly bootId: string;
  /** Resolves when it ended, for whatever reason; never rejects. */
  readonly ended: Promise<Loss>;
  /** The kernel killed something in it for want of memory. */
  outOfMemory(): boolean;
  /** What {@link end} was given: known before the daemon has ended it, which may take a busy host long. */
  endingFor(): Loss | undefined;
  startExec(options: Omit<ExecOptions, 'user'> & { readonly user?: string }): Promise<RunningExec>;
  /** Ends it for this reason, which {@link ended} then tells; resolves when it is gone. Idempotent. */
  end(loss: Loss): Promise<void>;
}

/** One call to the daemon. */
const CALL_MS = 30_000;
/** From start to the first word of the first process; a busy host may take its time. */
const READY_MS = 60_000;

/**
 * Creates, attaches, starts, in this order: from the first moment that anything runs in it, the container's life hangs
 * on this process's connection. Whatever fails or is cancelled on the way, nothing is left.
 * @throws `launch_failed`, `cancelled`
 */
export async function launchCell(
  daemon: Daemon,
  info: DaemonInfo,
  config: Omit<CellConfig, 'name'>,
  signal: AbortSignal,
): Promise<Cell> {
  const name = config.volume?.name ?? `muster-${randomBytes(8).toString('hex')}`;
  let id: string | undefined;
  const streams: (Duplex | Readable)[] = [];
  const hold = <T extends Duplex | Readable>(stream: T): T => {
    // Whoever reads it sees it end; nobody needs to know how it broke.
    stream.on('error', () => {});
    streams.push(stream);
    return stream;
  };
  const step = async <T>(what: string, run: () => Promise<T>): Promise<T> => {
    refuseIfAborted(signal, LAUNCH);
    return await within(CALL_MS, `Docker to ${what} the container`, run());
  };
  try {
    const made = await step('create', () => daemon.create(containerOptions({ ...config, name }, info)));
    id = made;
    if (config.data === 'disk') {
      const directory = tarDirectory(DATA_IN_VOLUME, config.user, 0o700);
      await step('prepare the disk of', () => daemon.unpack(made, INNER.data, directory));
    }
    const events = hold(await step('watch', () => daemon.events(made, ['oom'])));
    const attached = hold(await step('attach to', () => daemon.attach(made)));
    const gone = daemon.removed(made).catch(() => {});
    await step('start', () => daemon.start(made));
    const cell = watchCell(daemon, made, config.user, attached, events, gone);
    const giveUp = (): void => void cell.end({ reason: 'scratch_lost', detail: 'its launch was given up' });
    signal.addEventListener('abort', giveUp, { once: true });
    try {
      const bootId = await within(READY_MS, 'the first process of the container', cell.ready);
      refuseIfAborted(signal, LAUNCH);
      return { ...cell, bootId };
    } finally {
      signal.removeEventListener('abort', giveUp);
    }
  } catch (error) {
    for (const stream of streams) stream.destroy();
    if (id !== undefined || config.volume === undefined) await removeWithin(daemon, id ?? name);
    else await removeOwn(daemon, name, config.owner);
    refuseIfAborted(signal, LAUNCH);
    if (isMusterError(error)) throw error;
    throw launchFailed(error);
  }
}

const LAUNCH = 'the launch of the scratch';

type Watched = Omit<Cell, 'bootId'> & { readonly ready: Promise<string> };

function watchCell(
  daemon: Daemon,
  id: string,
  user: string,
  attached: Duplex,
  events: Readable,
  gone: Promise<void>,
): Watched {
  let memory = false;
  let why: Loss | undefined;
  events.on('data', () => {
    memory = true;
  });

  let said = '';
  const ready = Promise.withResolvers<string>();
  ready.promise.catch(() => {});
  const hear = (piece: Buffer): void => {
    if (said.length < 4096) said += piece.toString('utf8');
    const line = said.indexOf('\n');
    if (line >= 0) ready.resolve(said.slice(0, line));
  };
  let complaint = '';
  const streamEnded = demux(attached, hear, (piece) => {
    if (complaint.length < 4096) complaint += piece.toString('utf8');
  }).catch(() => {});

  const beat = setInterval(() => attached.write('x'), BEAT_MS).unref();
  const ended = streamEnded.then(async (): Promise<Loss> => {
    clearInterval(beat);
    ready.reject(
      new MusterError(
        'launch_failed',
        'The container ended before its first process was up: the image needs /bin/sh',
        {
          output: complaint,
        },
      ),
    );
    // A last look for the event that says why, which may be on its way.
    if (why === undefined && !memory) await Promise.race([gone, pause(GRACE_MS)]);
    events.destroy();
    if (why !== undefined) return why;
    if (memory) return OUT_OF_MEMORY;
    const answers = await within(3_000, 'Docker', daemon.version()).then(
      () => true,
      () => false,
    );
    return {
      reason: 'scratch_lost',
      detail: answers
        ? 'the container of the scratch ended: Docker was stopped, somebody removed it, or its time was up'
        : 'Docker stopped answering in the middle: start it again',
    };
  });

  let ending: Promise<void> | undefined;
  return {
    user,
    ready: ready.promise,
    ended,
    outOfMemory: () => memory,
    endingFor: () => why,
    startExec: (options) => daemon.exec(id, { user, ...options }),
    end: (loss) => {
      why ??= loss;
      ending ??= (async () => {
        await removeWithin(daemon, id);
        attached.destroy();
        await Promise.race([gone, pause(GRACE_MS)]);
        await ended;
      })();
      return ending;
    },
  };
}

export const OUT_OF_MEMORY: Loss = {
  reason: 'scratch_out_of_memory',
  detail: 'a process in the scratch was killed for want of memory: give it more with scratch.memory',
};

const GRACE_MS = 1_000;

/** Where the daemon does not answer, the container ends by itself (its stdin closed) and a sweep does the rest. */
async function removeWithin(daemon: Daemon, nameOrId: string): Promise<void> {
  await within(20_000, 'Docker to remove the container', daemon.remove(nameOrId)).catch(() => {});
}

/**
 * A create that was not answered may have made a container all the same; and one whose name is that of its volume may
 * be another drill's.
 */
async function removeOwn(daemon: Daemon, name: string, owner: Ownership): Promise<void> {
  const labels = toLabels(owner);
  const { containers } = await daemon.labelled(LABEL_WORKER).catch(() => ({ containers: [] }));
  for (const found of containers) {
    const isOwn = Object.entries(labels).every(([label, value]) => found.labels[label] === value);
    if (found.name === name && isOwn) await removeWithin(daemon, found.id);
  }
}

function launchFailed(error: unknown): MusterError {
  const hint =
    statusOf(error) === undefined ? 'does the Docker daemon still run?' : 'see `docker info` on that host';
  return new MusterError(
    'launch_failed',
    `Docker could not start the scratch: ${reasonOf(error)} (${hint})`,
    {
      cause: error,
    },
  );
}
