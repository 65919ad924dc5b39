import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { fromLabels, type Ownership, toLabels } from './labels.js';

const OWNER_FILE = 'owner.json';
const ownerSchema = z.record(z.string(), z.string());

/** Says in a directory of Muster's own whose it is: what a sweep of it must find first. */
export async function writeOwner(directory: string, owner: Ownership): Promise<void> {
  await writeFile(join(directory, OWNER_FILE), JSON.stringify(toLabels(owner)), { mode: 0o600 });
}

/** Undefined where there is no owner file of ours: such a directory is not swept. */
export async function readOwner(directory: string): Promise<Ownership | undefined> {
  try {
    const parsed = ownerSchema.safeParse(JSON.parse(await readFile(join(directory, OWNER_FILE), 'utf8')));
    return parsed.success ? fromLabels(parsed.data) : undefined;
  } catch {
    return undefined;
  }
}
