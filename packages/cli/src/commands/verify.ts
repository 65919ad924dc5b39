import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { checkSha256, expectSha256, listingKey, MusterError } from '@muster/core';
import { type Keyring, type Verification, verifyReceipt } from '@muster/evidence';
import { type Command, Option } from 'commander';
import type { Cli, Perform } from '../cli.js';
import { interruptible } from '../interruption.js';
import { type LoadedConfig, loadConfig } from '../load-config.js';
import { asMusterError, EXIT } from '../problem.js';
import { readFailure } from '../read-failure.js';
import { readKeyring } from '../read-keyring.js';
import { verificationLines } from '../render/verification.js';

interface VerifyOptions {
  readonly key?: string;
  readonly keyring?: string;
  readonly artefact?: string;
  readonly listing?: string;
  readonly requirePass?: true;
}

export function addVerifyCommand(program: Command, perform: Perform): void {
  program
    .command('verify')
    .description('does a receipt stand? Offline, step by step, up to the first that fails')
    .argument('<receipt...>', 'receipts: Sigstore bundles or bare DSSE envelopes')
    .addOption(new Option('--key <pem>', 'the one public key that counts').conflicts('keyring'))
    .option('--keyring <dir>', "the public keys that count (default: the configuration's)")
    .option('--artefact <path>', 'the backup itself: its digest must be that of the receipt')
    .option(
      '--listing <file>',
      'what a random choice was drawn from (default: listings/ of its evidence store)',
    )
    .option('--require-pass', 'refuse also what is authentic but not pass')
    .addHelpText(
      'after',
      `
With --config given, each check of a receipt must be in that configuration too.

Examples:
  $ muster verify evidence/receipts/prod-db/2026/11/20/drl_….sigstore.json
  $ muster verify receipt.json --key muster.pub.pem --artefact prod_2026-11-20.dump --require-pass

Exit codes: 0 authentic · 1 signature does not verify · 2 malformed · 3 inconsistent
  5 listing, artefact or configuration does not match · 6 authentic but not pass (only with --require-pass) · 64 usage.
Of several receipts the lowest code but 0 is given.`,
    )
    .action((receipts: string[], options: VerifyOptions, command: Command) =>
      perform(command, (cli) => verify(cli, receipts, options)),
    );
}

interface Verified {
  readonly path: string;
  readonly verification: Verification;
}

/** `muster verify`: exit codes of its own, so whatever keeps it from judging at all is usage. */
async function verify(cli: Cli, paths: readonly string[], options: VerifyOptions): Promise<number> {
  try {
    return await interruptible(
      cli.process,
      () => {},
      (signal) => verifyAll(cli, paths, options, signal),
    );
  } catch (thrown) {
    const error = asMusterError(thrown);
    if (error.code === 'config_invalid') throw error;
    throw new MusterError('usage', error.message, { cause: thrown });
  }
}

async function verifyAll(
  cli: Cli,
  paths: readonly string[],
  options: VerifyOptions,
  signal: AbortSignal,
): Promise<number> {
  const { cwd } = cli.environment;
  const loaded = cli.configOption === undefined ? undefined : await loadConfig(cli);
  const keyring = await chooseKeyring(cli, loaded, options);
  const verified: Verified[] = [];
  for (const path of paths) {
    const verification = await verifyReceipt(
      await readReceiptFile(resolve(cwd, path)),
      {
        keyring,
        requirePass: options.requirePass ?? false,
        listing: (digest) => listingFor(cwd, path, options, digest),
        artefactPath: options.artefact === undefined ? undefined : resolve(cwd, options.artefact),
        config: loaded?.config.checks.map((check) => ({
          id: check.id,
          checkSha256: checkSha256(check),
          expectSha256: expectSha256(check.expect),
        })),
      },
      signal,
    );
    const { statement } = verification;
    if (options.listing !== undefined && statement && statement.predicate.restore_point.kind !== 'random') {
      throw new MusterError('usage', `--listing: the backup of ${path} was not drawn by lot.`);
    }
    verified.push({ path, verification });
  }
  const exitCode = Math.min(...verified.map(({ verification }) => verification.exitCode || Infinity));
  const code = Number.isFinite(exitCode) ? exitCode : EXIT.pass;
  cli.output.result({ exit_code: code, receipts: verified.map(documentOf) }, () =>
    verified.flatMap(({ path, verification }, index) => [
      ...(index === 0 ? [] : ['']),
      ...verificationLines(path, verification, cli.output),
    ]),
  );
  return code;
}

/** The one that is named, else where the evidence store of a receipt has it, if that is where it lies. */
async function listingFor(
  cwd: string,
  receipt: string,
  { listing }: VerifyOptions,
  digest: string,
): Promise<Uint8Array | undefined> {
  if (listing !== undefined) return await readListing(resolve(cwd, listing));
  const [, store] = /^(.*)\/receipts(?:\/[^/]+){4}\/[^/]+$/.exec(resolve(cwd, receipt)) ?? [];
  if (store === undefined) return undefined;
  return await readFile(`${store}/${listingKey(digest)}`).catch(() => undefined);
}

async function readListing(path: string): Promise<Uint8Array> {
  try {
    return await readFile(path);
  } catch (cause) {
    throw new MusterError('usage', `The listing ${path} cannot be read: ${readFailure(cause)}.`, { cause });
  }
}

async function chooseKeyring(
  cli: Cli,
  loaded: LoadedConfig | undefined,
  { key, keyring }: VerifyOptions,
): Promise<Keyring> {
  const named = key ?? keyring;
  if (named !== undefined) return readKeyring(cli, resolve(cli.environment.cwd, named));
  try {
    return await readKeyring(cli, (loaded ?? (await loadConfig(cli))).evidence.keyring);
  } catch (thrown) {
    const { code, message } = asMusterError(thrown);
    if (code !== 'config_not_found') throw thrown;
    throw new MusterError('usage', `Which keys count? Name them with --key or --keyring. ${message}`);
  }
}

async function readReceiptFile(path: string): Promise<Uint8Array> {
  try {
    return await readFile(path);
  } catch (cause) {
    throw new MusterError('usage', `The receipt ${path} cannot be read: ${readFailure(cause)}.`, { cause });
  }
}

function documentOf({ path, verification }: Verified): object {
  const { exitCode, steps, keyId, statement, rehearsal } = verification;
  return {
    receipt: path,
    exit_code: exitCode,
    steps,
    ...(keyId && { key_id: keyId }),
    ...(statement && { drill_id: statement.predicate.drill_id, result: statement.predicate.result }),
    ...(rehearsal && {
      rehearsal_id: rehearsal.predicate.rehearsal_id,
      result: rehearsal.predicate.result,
    }),
  };
}
