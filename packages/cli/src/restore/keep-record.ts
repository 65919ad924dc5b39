import { mkdir, open } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import {
  canonicalJson,
  isMusterError,
  MusterError,
  type RestoreStatement,
  restoreRecordKey,
} from '@muster/core';
import { loadPrivateKey, signRestore } from '@muster/evidence';
import type { Cli } from '../cli.js';
import { openEvidenceStore } from '../evidence-store.js';
import type { LoadedConfig } from '../load-config.js';
import { ensurePrivate, stateDirectory } from '../places.js';
import { findSigningKey, ownKeyPath } from '../signing.js';

/** Where the record of a restore lies, and whether it is signed. */
export interface KeptRecord {
  readonly path: string;
  readonly signed: boolean;
}

const KEEP_MS = 60_000;

/**
 * Keeps the record of a restore: in the evidence store where there is a configuration and the store takes it, else in the
 * state directory of this machine; signed where there is a key. @throws `state_unwritable`.
 */
export async function keepRecord(
  cli: Cli,
  loaded: LoadedConfig | undefined,
  statement: RestoreStatement,
): Promise<KeptRecord> {
  const key = restoreRecordKey(statement.predicate.restore_id, statement.predicate.started_at);
  const privateKey = await keyOf(cli, loaded);
  const signed = privateKey !== undefined;
  const bytes = signed ? signRestore(statement, privateKey) : Buffer.from(canonicalJson(statement));
  const name = signed ? key : key.replace(/\.sigstore\.json$/, '.json');
  if (loaded !== undefined) {
    const store = openEvidenceStore(loaded.evidence.store, cli.environment);
    try {
      await store.putOnce(name, bytes, AbortSignal.timeout(KEEP_MS));
      return { path: `${store.location}/${name}`, signed };
    } catch (error) {
      if (!isMusterError(error)) throw error;
      cli.output.note(`${error.message} The record is kept on this machine instead.`);
    }
  }
  return { path: await keepHere(cli, name, bytes), signed };
}

async function keepHere(cli: Cli, name: string, bytes: Uint8Array): Promise<string> {
  const path = join(await ensurePrivate(stateDirectory(cli.environment)), name);
  try {
    await mkdir(dirname(path), { recursive: true, mode: 0o700 });
    const file = await open(path, 'wx', 0o600);
    try {
      await file.writeFile(bytes);
      await file.sync();
    } finally {
      await file.close();
    }
  } catch (cause) {
    throw new MusterError(
      'state_unwritable',
      `The restore is over, but its record could not be written to ${path}.`,
      { cause },
    );
  }
  return path;
}

/** No key is made for this, and none that cannot be read keeps a restore back. */
async function keyOf(cli: Cli, loaded: LoadedConfig | undefined) {
  try {
    if (loaded !== undefined) return (await findSigningKey(cli, loaded))?.key.privateKey;
    return (await loadPrivateKey({ kind: 'file', path: ownKeyPath(cli) })).privateKey;
  } catch (error) {
    if (loaded !== undefined && isMusterError(error)) cli.output.note(error.message);
    return undefined;
  }
}
