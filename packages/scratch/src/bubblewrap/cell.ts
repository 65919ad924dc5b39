import { existsSync } from 'node:fs';
import { access, constants } from 'node:fs/promises';
import { MusterError, orAborted } from '@muster/core';
import { createCellDirectory } from '../cell-directory.js';
import { refuseIfAborted, within } from '../limit.js';
import type { HostOptions } from '../scratch.js';
import {
  accounts,
  type Bind,
  cageOptions,
  DATA_DIR,
  encodeOptions,
  LAST_CAGE_FD,
  systemOptions,
} from './cage-options.js';
import { CELL_COMMAND, StartingCell } from './cell-process.js';
import { createControlGroup } from './control-group.js';
import { createDataDirectory } from './data-directory.js';
import { takeKept } from './kept-directory.js';
import { type Cell, type CellRequest, liveCell } from './live-cell.js';
import { type Outer, outerCommand, stagePoint } from './outer-command.js';

const LAUNCH_MS = 30_000;

export const controlGroupName = (cellId: string): string => `muster-${cellId}`;

/** Everything that a cell is made of, in the order in which it is made; taken back in the other. */
export async function launchCell(
  options: HostOptions,
  request: CellRequest,
  signal: AbortSignal,
): Promise<Cell> {
  refuseIfAborted(signal, 'the launch of the scratch');
  const asRoot = process.getuid?.() === 0;
  const made = new AsyncDisposableStack();
  try {
    await refuseUnreadable(request.readOnly);

    const sockets = await createCellDirectory(options.runtimeDir, request.owner);
    made.defer(() => sockets.remove());

    const { stateDir } = options;
    const kept =
      request.keep && (await takeKept({ stateDir, asRoot }, sockets.id, request.owner, request.keep));
    const data =
      kept ??
      (request.data === 'memory'
        ? undefined
        : await createDataDirectory(stateDir, sockets.id, request.owner, asRoot));
    made.defer(async () => data?.remove());

    const group = await createControlGroup(controlGroupName(sockets.id), request.limits);
    made.defer(() => group.remove());
    refuseIfAborted(signal, 'the launch of the scratch');

    const binds = [
      { from: sockets.socketDir, to: '' },
      ...(data === undefined ? [] : [{ from: data.path, to: DATA_DIR }]),
      ...request.readOnly,
    ];
    const staged = asRoot ? stage(binds.map(({ from }) => from)) : undefined;
    const source = (from: string): string => staged?.binds.find((bind) => bind.from === from)?.to ?? from;
    const cage = cageOptions(
      {
        user: request.user,
        network: request.network,
        data: data === undefined ? { bytes: request.limits.diskBytes } : { directory: source(data.path) },
        socketDirectory: source(sockets.socketDir),
        sharedMemoryBytes: request.limits.memoryBytes / 4,
        readOnly: request.readOnly.map(({ from, to }) => ({ from: source(from), to })),
      },
      systemOptions(),
    );
    const outer: Outer = { asRoot, cgroupProcs: group.procs };
    const starting = new StartingCell(
      outerCommand(
        { ...outer, ...(staged === undefined ? {} : { stage: staged }) },
        LAST_CAGE_FD,
        CELL_COMMAND,
      ),
      { options: encodeOptions(cage), ...accounts(request.user) },
    );
    made.defer(() => starting.end());
    const first = await within(LAUNCH_MS, 'bubblewrap', orAborted(starting.up(), signal));
    return liveCell({
      request,
      sockets,
      data: data?.path,
      kept,
      group,
      outer,
      first,
      made,
    });
  } catch (error) {
    await made.disposeAsync();
    refuseIfAborted(signal, 'the launch of the scratch');
    throw error;
  }
}

function stage(sources: readonly string[]): NonNullable<Outer['stage']> {
  const directory = stagePoint(sources, existsSync);
  if (directory === undefined) {
    throw new MusterError(
      'launch_failed',
      'No directory is free to show files to a scratch from: make /media',
    );
  }
  return { directory, binds: sources.map((from, index) => ({ from, to: `${directory}/${index}` })) };
}

/** bubblewrap would say so too, but not in words for people. */
async function refuseUnreadable(readOnly: readonly Bind[]): Promise<void> {
  for (const { from } of readOnly) {
    await access(from, constants.R_OK).catch((cause) => {
      throw new MusterError('launch_failed', `${from} is to be shown to the scratch, but cannot be read`, {
        cause,
      });
    });
  }
}
