import { readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { ensurePrivate } from './places.js';

/** A scratch that `drill run --keep` holds, as a second terminal needs to know it. It holds no secret. */
const keptSchema = z.strictObject({
  drillId: z.string(),
  slug: z.string(),
  kind: z.enum(['postgres', 'mongodb']),
  database: z.string(),
  socketDir: z.string(),
  serverVersion: z.string(),
  connectCommand: z.string(),
  backupCreatedAt: z.string(),
  pid: z.int().positive(),
  expiresAt: z.string(),
});
export type KeptEntry = z.infer<typeof keptSchema>;

/** Writes down a kept scratch (0600) and returns what takes it out again. */
export async function registerKept(state: string, entry: KeptEntry): Promise<() => Promise<void>> {
  const directory = await keptDirectory(state);
  const path = join(directory, `${entry.drillId}.json`);
  await writeFile(`${path}.tmp`, JSON.stringify(entry), { mode: 0o600 });
  await rename(`${path}.tmp`, path);
  return () => rm(path, { force: true });
}

/** The youngest scratch kept for a source that is still held; entries whose holder is gone are taken out. */
export async function findKept(state: string, slug: string, now: Date): Promise<KeptEntry | undefined> {
  const directory = await keptDirectory(state);
  const names = (await readdir(directory)).filter((name) => name.endsWith('.json')).sort();
  let found: KeptEntry | undefined;
  for (const name of names) {
    const path = join(directory, name);
    const entry = keptSchema.safeParse(await readJson(path)).data;
    if (entry === undefined || new Date(entry.expiresAt) <= now || !isAlive(entry.pid))
      await rm(path, { force: true });
    else if (entry.slug === slug) found = entry;
  }
  return found;
}

const keptDirectory = async (state: string): Promise<string> => {
  await ensurePrivate(state);
  return ensurePrivate(join(state, 'kept'));
};

async function readJson(path: string): Promise<unknown> {
  try {
    return JSON.parse(await readFile(path, 'utf8'));
  } catch {
    return undefined;
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
