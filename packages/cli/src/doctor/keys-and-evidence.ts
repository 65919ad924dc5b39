import { isMusterError, MusterError } from '@muster/core';
import { listKeys, loadPrivateKey } from '@muster/evidence';
import type { Cli } from '../cli.js';
import { openEvidenceStore } from '../evidence-store.js';
import type { LoadedConfig } from '../load-config.js';
import { ensurePrivate, stateDirectory } from '../places.js';
import { nearest } from '../render/faults.js';
import { loadConfiguredKey, ownKeyPath } from '../signing.js';
import { counted } from '../terminal/counted.js';
import { examine, type Finding } from './finding.js';

/** Can a receipt be signed, kept, and verified later? */
export async function examineEvidence(
  cli: Cli,
  loaded: LoadedConfig,
  signal: AbortSignal,
): Promise<Finding[]> {
  const { cwd } = cli.environment;
  const { store, keyring } = loaded.evidence;
  return [
    await examine('state', () => ensurePrivate(stateDirectory(cli.environment))),
    await examine('signing key', () => describeKey(cli, loaded)),
    await examine('evidence', async () => {
      await openEvidenceStore(store, cli.environment).probe(signal);
      const where = store.type === 'directory' ? nearest(store.location, cwd) : store.location;
      return `${where} · can be written`;
    }),
    await examine('keyring', async () => {
      const { keys, faults } = await listKeys(keyring).catch((error: unknown) => {
        // The default keyring is made together with the key.
        if (loaded.config.signing.key === undefined && isMusterError(error, 'key_unreadable'))
          return { keys: [], faults: [] };
        throw error;
      });
      const [fault] = faults;
      if (fault !== undefined) throw new MusterError(fault.code, faults.map(({ why }) => why).join(' '));
      return `${nearest(keyring, cwd)} · ${counted(keys.length, 'key')}`;
    }),
  ];
}

async function describeKey(cli: Cli, loaded: LoadedConfig): Promise<string> {
  const configured = await loadConfiguredKey(cli, loaded);
  if (configured !== undefined) return short(configured.keyId);
  const path = ownKeyPath(cli);
  try {
    return `${short((await loadPrivateKey({ kind: 'file', path })).keyId)} · ${path}`;
  } catch (error) {
    if (isMusterError(error, 'key_unreadable') && isAbsent(error.cause)) return `made on first use: ${path}`;
    throw error;
  }
}

const short = (keyId: string): string => `${keyId.slice(0, 16)}…`;

const isAbsent = (cause: unknown): boolean =>
  cause instanceof Error && 'code' in cause && cause.code === 'ENOENT';
