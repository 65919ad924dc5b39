import { join, resolve } from 'node:path';
import { type Config, isMusterError, writeSecretRef } from '@muster/core';
import { generateKeyPair, listKeys, writeKeyPair } from '@muster/evidence';
import type { Command } from 'commander';
import type { Cli, Perform } from '../cli.js';
import { interruptible } from '../interruption.js';
import { type LoadedConfig, loadConfig } from '../load-config.js';
import { ensurePrivate, stateDirectory } from '../places.js';
import { EXIT } from '../problem.js';
import { nearest } from '../render/faults.js';
import { fields } from '../render/fields.js';
import { findSigningKey, ownKeyPath } from '../signing.js';
import { table } from '../terminal/table.js';

interface GenerateOptions {
  readonly out?: string;
}

export function addKeysCommands(program: Command, perform: Perform): void {
  const keys = program.command('keys').description('what receipts are signed and verified with');
  keys
    .command('generate')
    .description(
      "make an Ed25519 key pair: the private key 0600, the public key into the configuration's keyring",
    )
    .option('--out <file>', 'the private key (default: where this machine keeps its own)')
    .addHelpText('after', '\nExample:\n  $ muster keys generate --out /etc/muster/signing.key')
    .action((options: GenerateOptions, command: Command) =>
      perform(command, (cli) => generate(cli, options)),
    );
  keys
    .command('list')
    .description('the public keys that count, and which of them signs here')
    .addHelpText('after', '\nExample:\n  $ muster keys list')
    .action((_options: object, command: Command) => perform(command, list));
}

async function generate(cli: Cli, { out }: GenerateOptions): Promise<number> {
  const { environment, output } = cli;
  const { evidence, config } = await loadConfig(cli);
  const privateKey = out === undefined ? ownKeyPath(cli) : resolve(environment.cwd, out);
  if (out === undefined) await ensurePrivate(stateDirectory(environment));
  const pair = generateKeyPair();
  await interruptible(
    cli.process,
    () => {},
    (signal) => writeKeyPair(pair, { privateKey, keyring: evidence.keyring }, signal),
  );
  const publicKey = join(evidence.keyring, `${pair.keyId}.pem`);
  output.result({ key_id: pair.keyId, private_key: privateKey, public_key: publicKey }, () => {
    const lines = fields(
      [
        ['key', pair.keyId],
        ['private', `${nearest(privateKey, environment.cwd)}  (0600: keep it, and show it to nobody)`],
        ['public', nearest(publicKey, environment.cwd)],
      ],
      output.style,
    );
    return [...lines, ...howToSign(config, privateKey, out !== undefined)];
  });
  return EXIT.pass;
}

/** Where the configuration names a place already, the key goes there, and not the configuration to the key. */
function howToSign({ signing }: Config, privateKey: string, isElsewhere: boolean): readonly string[] {
  const { key } = signing;
  if (key === undefined)
    return isElsewhere ? ['', `To sign with it:  signing: { key: "file:${privateKey}" }`] : [];
  if (key.kind === 'file' && key.path === privateKey) return ['', 'The configuration signs with it.'];
  return ['', `The configuration signs with ${writeSecretRef(key)}: to sign with this key, put it there.`];
}

async function list(cli: Cli): Promise<number> {
  const { output, environment } = cli;
  const loaded = await loadConfig(cli);
  const { keys, faults } = await listKeys(loaded.evidence.keyring);
  for (const { why } of faults) output.alert(why);
  const own = await signingKeyId(cli, loaded);
  if (own !== undefined && !keys.some(({ keyId }) => keyId === own))
    output.note(`The key that signs here is not among them: ${own}.`);
  const documents = keys.map(({ keyId, path }) => ({ key_id: keyId, path, signs_here: keyId === own }));
  const document = {
    keyring: loaded.evidence.keyring,
    keys: documents,
    ...(faults.length > 0 && { faults: faults.map(({ path, code, why }) => ({ path, code, why })) }),
  };
  output.result(document, () =>
    keys.length === 0
      ? [`The keyring ${loaded.evidence.keyring} holds no public key: muster keys generate makes a key.`]
      : table(
          [{ title: 'key' }, { title: 'file' }, { title: '' }],
          documents.map(({ key_id, path, signs_here }) => [
            { text: key_id },
            { text: nearest(path, environment.cwd) },
            { text: signs_here ? 'signs here' : '', paint: output.style.good },
          ]),
          output.style,
          output.width,
        ),
  );
  return EXIT.pass;
}

/** Undefined where there is none here, and where it cannot be read, which is said: listing public keys needs neither. */
async function signingKeyId(cli: Cli, loaded: LoadedConfig): Promise<string | undefined> {
  try {
    return (await findSigningKey(cli, loaded))?.key.keyId;
  } catch (error) {
    if (!isMusterError(error)) throw error;
    cli.output.note(`Which of them signs here is not known. ${error.message}`);
    return undefined;
  }
}
