import { pause } from '../limit.js';
import type { Loss } from '../scratch.js';
import { type Cell, OUT_OF_MEMORY } from './cell.js';
import { demux } from './demux.js';
import { judge as judgeWatch } from './disk-watch.js';

/**
 * What the cell itself knows of why things fail; undefined where it cannot be asked in time.
 * @param watchedBytes the bound of a data directory that is only watched: it may have been passed between two looks.
 */
export async function diagnoseCell(
  cell: Cell,
  dataDir: string,
  watchedBytes: number | undefined,
): Promise<Loss | undefined> {
  const known = (): Loss | undefined => (cell.outOfMemory() ? OUT_OF_MEMORY : cell.endingFor());
  if (known() !== undefined) return known();
  // A cell that is ending does not answer; then its end says why.
  const answer = ask(cell, dataDir, watchedBytes !== undefined).catch(() => pause(ANSWER_MS));
  const said = await Promise.race([answer, cell.ended, pause(ANSWER_MS)]);
  return known() ?? (typeof said === 'string' ? judgeState(said, watchedBytes) : said);
}

/** The counters of cgroup v1 and v2, then `du -sk`, then `df -Pk`. */
export function judgeState(said: string, watchedBytes?: number): Loss | undefined {
  if (/^oom_kill [1-9]/m.test(said)) return OUT_OF_MEMORY;
  const used = /^\d+\s+\/.*$/m.exec(said)?.[0];
  const over = used === undefined || watchedBytes === undefined ? undefined : judgeWatch(used, watchedBytes);
  if (over !== undefined) return over;
  const [, size, available] = /\s(\d+)\s+\d+\s+(\d+)\s+\d+%\s+\//.exec(said) ?? [];
  if (size === undefined || available === undefined) return undefined;
  // The last hundredth, for a server gives back a little of what it could not use.
  return Number(available) < Number(size) / 100 ? DISK_FULL : undefined;
}

async function ask(cell: Cell, dataDir: string, watched: boolean): Promise<string> {
  const { stream } = await cell.startExec({
    argv: ['/bin/sh', '-c', ASK, 'ask', dataDir, watched ? 'watched' : 'bounded'],
    env: ['LC_ALL=C'],
    stdin: false,
  });
  let said = '';
  await demux(
    stream,
    (piece) => {
      said += piece.toString('latin1');
    },
    () => {},
  );
  return said;
}

const ANSWER_MS = 5_000;
const ASK =
  'cat /sys/fs/cgroup/memory.events /sys/fs/cgroup/memory/memory.oom_control 2>/dev/null; [ "$2" = watched ] && du -sk "$1"; df -Pk "$1" | tail -n 1';

const DISK_FULL: Loss = {
  reason: 'scratch_disk_full',
  detail: 'the data directory of the scratch is full: give it more with scratch.disk',
};
