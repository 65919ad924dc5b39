import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Wanted } from '../labels.js';
import { readOwner } from '../owner-file.js';

/**
 * Kills every process of the cells in this runtime directory that are wanted away. That a process belongs to a cell is
 * proven by its mounts: only a cell's own processes have the cell's socket directory mounted.
 */
export async function endCells(runtimeDir: string, isWanted: Wanted): Promise<void> {
  const wanted: string[] = [];
  for (const name of await readdir(runtimeDir).catch(() => [])) {
    const owner = await readOwner(join(runtimeDir, name));
    if (owner !== undefined && isWanted(owner)) wanted.push(`/${name}/s `);
  }
  if (wanted.length === 0) return;
  for (const entry of await readdir('/proc').catch(() => [])) {
    if (!/^\d+$/.test(entry)) continue;
    const mounts = await readFile(`/proc/${entry}/mountinfo`, 'utf8').catch(() => '');
    if (wanted.some((root) => mounts.includes(root))) kill(Number(entry));
  }
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It is gone already.
  }
}
