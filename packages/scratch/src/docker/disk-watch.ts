import type { Loss } from '../scratch.js';
import type { Cell } from './cell.js';
import { demux } from './demux.js';

/**
 * Watches a data directory that no quota bounds, from the inside, and ends the cell when it is too large, hides part of
 * itself, leaves the host's disk all but full, or is watched no more. A watch is not a bound: what is written between
 * two looks, and files without a name, escape it.
 */
export async function watchDisk(cell: Cell, directory: string, bytes: number): Promise<void> {
  const { stream } = await cell.startExec({
    argv: ['/bin/sh', '-c', WATCH, 'watch', directory],
    env: ['LC_ALL=C'],
    stdin: false,
  });
  stream.on('error', () => {});
  let silence: NodeJS.Timeout | undefined;
  const endCell = (loss: Loss): void => {
    clearTimeout(silence);
    void cell.end(loss);
  };
  const heard = (): void => {
    clearTimeout(silence);
    silence = setTimeout(() => endCell(UNWATCHED), SILENCE_MS).unref();
  };
  heard();
  let line = '';
  const hear = (piece: Buffer): void => {
    heard();
    const lines = `${line}${piece.toString('latin1')}`.split('\n');
    line = lines.pop() ?? '';
    for (const one of lines) {
      const loss = judge(one, bytes);
      if (loss !== undefined) endCell(loss);
    }
  };
  void demux(stream, hear, hear)
    .catch(() => {})
    .then(() => endCell(UNWATCHED));
}

/** One line of `du -sk`, `df -Pk` or their complaints. */
export function judge(line: string, bytes: number): Loss | undefined {
  const used = /^(\d+)\s+\//.exec(line)?.[1];
  if (used !== undefined) return Number(used) * 1024 > bytes ? FULL : undefined;
  const available = /\s(\d+)\s+\d+%\s+\//.exec(line)?.[1];
  if (available !== undefined) return Number(available) * 1024 < HOST_RESERVE_BYTES ? HOST_FULL : undefined;
  return line.includes('ermission denied') ? HIDDEN : undefined;
}

const WATCH = 'while :; do du -sk "$1" 2>&1; df -Pk "$1" | tail -n 1; sleep 1; done';
const SILENCE_MS = 60_000;
const HOST_RESERVE_BYTES = 128 * 1024 * 1024;

const FULL: Loss = {
  reason: 'scratch_disk_full',
  detail: 'the data directory of the scratch grew beyond its bound: give it more with scratch.disk',
};
const HOST_FULL: Loss = {
  reason: 'scratch_disk_full',
  detail: 'the disk of the Docker host is almost full: make room there',
};
const HIDDEN: Loss = {
  reason: 'scratch_disk_full',
  detail: 'a process in the scratch closed a part of the data directory to the watch over its size',
};
const UNWATCHED: Loss = { reason: 'scratch_lost', detail: 'the watch over the disk of the scratch stopped' };
