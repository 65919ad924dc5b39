import { join } from 'node:path';
import { type Config, errnoOf, isMusterError, writeSecretRef } from '@muster/core';
import {
  createSigner,
  ensurePrivateKey,
  type LoadedPrivateKey,
  listKeys,
  loadPrivateKey,
  type Signer,
} from '@muster/evidence';
import type { Cli } from './cli.js';
import type { LoadedConfig } from './load-config.js';
import { ensurePrivate, stateDirectory } from './places.js';
import { nearest } from './render/faults.js';
import { resolveSecret } from './resolve-secret.js';

/** Where the key lies that is made on first use. */
export const ownKeyPath = (cli: Cli): string => join(stateDirectory(cli.environment), 'signing.key');

/**
 * The signer of this machine: the key that the configuration names, else one of its own, made on first use with its
 * public key put into the keyring. Says in a line what a person should know about it.
 * @throws `secret_unavailable`, `key_unreadable`, `key_invalid`, `state_unwritable`.
 */
export async function openSigner(cli: Cli, loaded: LoadedConfig, signal: AbortSignal): Promise<Signer> {
  const { keyring } = loaded.evidence;
  const { output, environment } = cli;
  const configured = await loadConfiguredKey(cli, loaded);
  if (configured !== undefined) {
    warnIfReadable(cli, configured);
    await warnIfUnknown(cli, keyring, configured);
    return createSigner(configured.privateKey);
  }
  await ensurePrivate(stateDirectory(environment));
  const key = await ensurePrivateKey({ privateKey: ownKeyPath(cli), keyring }, signal);
  warnIfReadable(cli, key);
  await warnIfUnknown(cli, keyring, key);
  if (key.created)
    output.note(
      `Made a signing key, ${ownKeyPath(cli)}; its public key is ${nearest(join(keyring, `${key.keyId}.pem`), environment.cwd)}.`,
    );
  return createSigner(key.privateKey);
}

/**
 * The signer of a worker, which may have no configuration file: the key that the drill's configuration names, else the
 * machine's own, which somebody made before. @throws `secret_unavailable`, `key_unreadable`, `key_invalid`.
 */
export async function workerSigner(cli: Cli, config: Config): Promise<Signer> {
  const configured = await loadConfiguredKey(cli, { config });
  const key = configured ?? (await loadPrivateKey({ kind: 'file', path: ownKeyPath(cli) }));
  return createSigner(key.privateKey);
}

/** The private key that signs here. */
export interface SigningKey {
  readonly key: LoadedPrivateKey;
  /** Its file; undefined where it is in the environment. */
  readonly path: string | undefined;
  /** No configuration names it: its public key is put into the keyring by the first drill. */
  readonly isOwn: boolean;
}

/**
 * The key that the configuration names, else the machine's own; undefined where that is not made yet. Makes none.
 * @throws `secret_unavailable`, `key_unreadable`, `key_invalid`.
 */
export async function findSigningKey(
  cli: Cli,
  loaded: Pick<LoadedConfig, 'config'>,
): Promise<SigningKey | undefined> {
  const configured = await loadConfiguredKey(cli, loaded);
  const ref = loaded.config.signing.key;
  if (configured !== undefined)
    return { key: configured, path: ref?.kind === 'file' ? ref.path : undefined, isOwn: false };
  const path = ownKeyPath(cli);
  try {
    return { key: await loadPrivateKey({ kind: 'file', path }), path, isOwn: true };
  } catch (error) {
    if (isMusterError(error, 'key_unreadable') && errnoOf(error.cause) === 'ENOENT') return undefined;
    throw error;
  }
}

/** The key that the configuration names; undefined where it names none. */
async function loadConfiguredKey(
  { environment }: Cli,
  { config }: Pick<LoadedConfig, 'config'>,
): Promise<LoadedPrivateKey | undefined> {
  const ref = config.signing.key;
  if (ref === undefined) return undefined;
  if (ref.kind === 'file') return loadPrivateKey({ kind: 'file', path: ref.path });
  const pem = await resolveSecret(ref, environment.env);
  return loadPrivateKey({ kind: 'pem', pem, name: writeSecretRef(ref) });
}

/** A keyring that lacks the key, or cannot be read, keeps receipts from verifying: better said before there are any. */
async function warnIfUnknown(
  { output, environment }: Cli,
  keyring: string,
  { keyId }: LoadedPrivateKey,
): Promise<void> {
  try {
    const { keys, faults } = await listKeys(keyring);
    for (const { why } of faults) output.note(why);
    if (keys.some((key) => key.keyId === keyId)) return;
  } catch (error) {
    if (!isMusterError(error)) throw error;
    // One that is not there yet holds no key.
    if (errnoOf(error.cause) !== 'ENOENT')
      return output.note(`${error.message} Until then no receipt verifies.`);
  }
  output.note(
    `The signing key ${keyId.slice(0, 12)}… is not in the keyring ${nearest(keyring, environment.cwd)}: ` +
      `its receipts verify only once its public key is there.`,
  );
}

function warnIfReadable({ output }: Cli, key: LoadedPrivateKey): void {
  if (key.readableByOthers)
    output.note('Others than its owner may read the signing key: give its file the mode 0600.');
}
