import { isMusterError, MusterError } from '@muster/core';
import { type ListedKeys, listKeys } from '@muster/evidence';
import type { Cli } from '../cli.js';
import { openEvidenceStore } from '../evidence-store.js';
import type { LoadedConfig } from '../load-config.js';
import { ensurePrivate, stateDirectory } from '../places.js';
import { nearest } from '../render/faults.js';
import { findSigningKey, ownKeyPath, type SigningKey } from '../signing.js';
import { counted } from '../terminal/counted.js';
import { shellWord } from '../terminal/shell.js';
import { examine, type Finding } from './finding.js';

/** Can a receipt be signed, kept, and verified later? */
export async function examineEvidence(
  cli: Cli,
  loaded: LoadedConfig,
  signal: AbortSignal,
): Promise<Finding[]> {
  const { cwd } = cli.environment;
  const { store, keyring } = loaded.evidence;
  let signing: SigningKey | undefined;
  return [
    await examine('state', () => ensurePrivate(stateDirectory(cli.environment))),
    await examine('signing key', async () => {
      signing = await findSigningKey(cli, loaded);
      return signing === undefined ? `made on first use: ${ownKeyPath(cli)}` : describeKey(signing);
    }),
    await examine('evidence', async () => {
      await openEvidenceStore(store, cli.environment).probe(signal);
      const where = store.type === 'directory' ? nearest(store.location, cwd) : store.location;
      return `${where} · can be written`;
    }),
    await examine('keyring', async () => {
      const listed = await listKeys(keyring).catch((error: unknown) => {
        // The default keyring is made together with the key.
        if (loaded.config.signing.key === undefined && isMusterError(error, 'key_unreadable'))
          return { keys: [], faults: [] };
        throw error;
      });
      const { keys, faults } = listed;
      const [fault] = faults;
      if (fault !== undefined) throw new MusterError(fault.code, faults.map(({ why }) => why).join(' '));
      const held = `${nearest(keyring, cwd)} · ${counted(keys.length, 'key')}`;
      return signing === undefined || signing.isOwn || holds(listed, signing)
        ? held
        : lacks(held, keyring, listed, signing);
    }),
  ];
}

function describeKey({ key, path }: SigningKey): string | Omit<Finding, 'subject'> {
  const named = path === undefined ? short(key.keyId) : `${short(key.keyId)} · ${path}`;
  if (!key.readableByOthers || path === undefined) return named;
  return {
    outcome: 'warning',
    detail: `${named} · others than its owner may read it, and could sign receipts: take that from them`,
    install: [`chmod 600 ${shellWord(path)}`],
  };
}

const holds = ({ keys }: ListedKeys, { key }: SigningKey): boolean =>
  keys.some(({ keyId }) => keyId === key.keyId);

/** What it signs goes to quarantine, and verifies nowhere. */
function lacks(
  held: string,
  keyring: string,
  { keys }: ListedKeys,
  { key, path }: SigningKey,
): Omit<Finding, 'subject'> {
  const detail = `${held} · not the signing key ${short(key.keyId)}, so that no receipt verifies: put its public key there`;
  const isFile = keys.some((one) => one.path === keyring);
  if (path === undefined || isFile) return { outcome: 'fault', detail };
  const publicKey = shellWord(`${keyring}/${key.keyId}.pem`);
  return {
    outcome: 'fault',
    detail,
    install: [`openssl pkey -in ${shellWord(path)} -pubout -out ${publicKey}`],
  };
}

const short = (keyId: string): string => `${keyId.slice(0, 16)}…`;
