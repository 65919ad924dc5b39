import { basename } from 'node:path';
import {
  checkConsistency,
  drawFaults,
  isMusterError,
  type RehearsalStatement,
  type RestoreStatement,
  type Statement,
  sha256,
} from '@muster/core';
import { digestArtefact } from './artefact-digest.js';
import { type Envelope, parseEnvelope } from './bundle.js';
import { type ConfiguredCheck, matchChecks } from './config-match.js';
import { PAYLOAD_TYPE, verifyDsse } from './dsse.js';
import type { Keyring, KeyringKey } from './keyring.js';
import {
  checkRehearsal,
  checkRestorePass,
  isRehearsal,
  isRestore,
  Refusal,
  readStatement,
  refuseRehearsal,
  type Taken,
} from './read-statement.js';

export interface VerifyOptions {
  /** The public keys that count. What the receipt says of its own key is never believed. */
  readonly keyring: Keyring;
  /** The backup itself, a file or the directory of a directory dump: its digest must be the receipt's subject. */
  readonly artefactPath?: string | undefined;
  /**
   * Where the listing of this digest is that a random choice was drawn from: then it is drawn again. Undefined where it
   * is not at hand. Asked only of receipts that were.
   */
  readonly listing?: ((listingSha256: string) => Promise<Uint8Array | undefined>) | undefined;
  /** All checks of a configuration: each check of the receipt must be one of them. */
  readonly config?: readonly ConfiguredCheck[] | undefined;
  /** Refuse what is authentic but not `pass`, or was judged by a stand-in for the source's own kind of server. */
  readonly requirePass: boolean;
  /** Bytes of the artefact read since the last call. */
  readonly onBytes?: ((bytes: number) => void) | undefined;
}

/** The steps, in order. `draw`, `artefact`, `config` and `pass` are taken only where they were asked for. */
export type VerifyStepName =
  | 'envelope'
  | 'payload_type'
  | 'signature'
  | 'statement'
  | 'consistency'
  | 'draw'
  | 'artefact'
  | 'config'
  | 'pass';

export interface VerifyStep {
  readonly name: VerifyStepName;
  readonly outcome: 'ok' | 'failed';
  /** What was seen, in one line, for people; free of control characters. */
  readonly detail: string;
}

/**
 * 0 authentic · 1 signature does not verify · 2 malformed · 3 inconsistent · 5 listing, artefact or configuration does not match ·
 * 6 authentic but not `pass`.
 */
export type VerifyExitCode = 0 | 1 | 2 | 3 | 5 | 6;

export interface Verification {
  /** Up to the first that failed. */
  readonly steps: readonly VerifyStep[];
  readonly exitCode: VerifyExitCode;
  /** The key that verified the signature. */
  readonly keyId?: string;
  /** Present once the signature and the schema stood: then it is what the key's owner said. */
  readonly statement?: Statement;
  /** The same of the record of a restore into a real server, which is no receipt of a drill. */
  readonly restore?: RestoreStatement;
  /** The same of a rehearsal, which says nothing of any backup that is kept, and never counts as a drill. */
  readonly rehearsal?: RehearsalStatement;
}

/**
 * Verifies one receipt offline, as `muster verify` of receipts.md: a Sigstore bundle or a bare DSSE envelope, in the one
 * form that its content has in JCS, so that every changed byte is refused.
 * @throws `usage` if the artefact cannot be read, or the signal's reason. A refusal is no throw: see `exitCode`.
 */
export async function verifyReceipt(
  bytes: Uint8Array,
  options: VerifyOptions,
  signal?: AbortSignal,
): Promise<Verification> {
  const steps: VerifyStep[] = [];
  let seen: Pick<Verification, 'keyId' | 'statement' | 'restore' | 'rehearsal'> = {};

  async function step<T>(
    name: VerifyStepName,
    exitCode: VerifyExitCode,
    take: () => Taken<T> | Promise<Taken<T>>,
  ) {
    try {
      const { value, detail } = await take();
      steps.push({ name, outcome: 'ok', detail: printable(detail) });
      return value;
    } catch (error) {
      if (!(error instanceof Refusal) && !isMusterError(error, 'evidence_malformed')) throw error;
      steps.push({ name, outcome: 'failed', detail: printable(error.message) });
      throw new Stopped(exitCode);
    }
  }

  try {
    const envelope = await step('envelope', 2, () => takeApart(bytes));
    await step('payload_type', 2, () => checkPayloadType(envelope));
    const { keyId } = await step('signature', 1, () => checkSignature(envelope, options.keyring));
    seen = { keyId };
    const read = await step('statement', 2, () => readStatement(envelope));
    if (isRehearsal(read)) {
      seen = { keyId, rehearsal: read };
      await step('consistency', 3, () => checkRehearsal(read));
      if (options.artefactPath !== undefined || options.config !== undefined || options.requirePass)
        await step('pass', 6, refuseRehearsal);
      return { steps, exitCode: 0, ...seen };
    }
    if (isRestore(read)) {
      seen = { keyId, restore: read };
      const { artefactPath, requirePass } = options;
      if (artefactPath !== undefined)
        await step('artefact', 5, () =>
          checkArtefact(read, artefactPath, options.onBytes ?? (() => {}), signal),
        );
      if (requirePass) await step('pass', 6, () => checkRestorePass(read));
      return { steps, exitCode: 0, ...seen };
    }
    const statement = read;
    seen = { keyId, statement };
    await step('consistency', 3, () => checkTimesAndRollUp(statement));
    const { artefactPath, config } = options;
    const { listing_sha256: listingSha256 } = statement.predicate.restore_point;
    const listing = listingSha256 && (await options.listing?.(listingSha256));
    if (listing) {
      await step('draw', 5, () => checkListing(statement, listing));
      await step('draw', 3, () => drawAgain(statement, listing));
    }
    if (artefactPath !== undefined) {
      const onBytes = options.onBytes ?? (() => {});
      await step('artefact', 5, () => checkArtefact(statement, artefactPath, onBytes, signal));
    }
    if (config !== undefined) await step('config', 5, () => checkConfig(statement, config));
    if (options.requirePass) await step('pass', 6, () => checkPass(statement));
    return { steps, exitCode: 0, ...seen };
  } catch (error) {
    if (!(error instanceof Stopped)) throw error;
    return { steps, exitCode: error.exitCode, ...seen };
  }
}

/** Ends the steps after one that does not stand. */
class Stopped extends Error {
  readonly exitCode: VerifyExitCode;
  constructor(exitCode: VerifyExitCode) {
    super();
    this.exitCode = exitCode;
  }
}

function takeApart(bytes: Uint8Array): Taken<Envelope> {
  const envelope = parseEnvelope(bytes);
  return {
    value: envelope,
    detail: envelope.form === 'bundle' ? 'a Sigstore bundle v0.3' : 'a bare DSSE envelope',
  };
}

function checkPayloadType({ payloadType }: Envelope): Taken<void> {
  if (payloadType === PAYLOAD_TYPE) return { value: undefined, detail: payloadType };
  throw new Refusal(`The payload is of the type ${payloadType}, and not ${PAYLOAD_TYPE}.`);
}

function checkSignature(envelope: Envelope, keyring: Keyring): Taken<KeyringKey> {
  const { payload, payloadType, signature, keyId } = envelope;
  const key = keyring.keys.find(({ publicKey }) => verifyDsse(payloadType, payload, signature, publicKey));
  if (key === undefined) throw new Refusal(whyUnsigned(keyId, keyring));
  if (keyId !== undefined && keyId !== key.keyId) {
    throw new Refusal(`The receipt names another key than ${key.keyId}, which signed it: it was changed.`);
  }
  return { value: key, detail: `Ed25519, key ${key.keyId}` };
}

function whyUnsigned(named: string | undefined, keyring: Keyring): string {
  if (keyring.keys.some(({ keyId }) => keyId === named)) {
    return `The signature does not verify: the receipt was changed, or was not signed with the key ${named} that it names.`;
  }
  const advice =
    named === undefined
      ? ''
      : ` The receipt names the key ${named}: if you trust that key, add its public key.`;
  const others = keyring.faults.map(({ path }) => basename(path)).join(', ');
  const faults = others === '' ? '' : ` No public key is in these files of it: ${others}.`;
  return `The signature verifies with no key of ${keyring.location}.${faults}${advice}`;
}

function checkTimesAndRollUp(statement: Statement): Taken<void> {
  const faults = checkConsistency(statement);
  if (faults.length > 0) throw new Refusal(faults.join('; '));
  return {
    value: undefined,
    detail: `times and roll-up agree with the result ${statement.predicate.result}`,
  };
}

function checkListing({ predicate }: Statement, listing: Uint8Array): Taken<void> {
  const digest = sha256(listing);
  const { listing_sha256: named } = predicate.restore_point;
  if (digest !== named)
    throw new Refusal(`The listing is not that of this receipt: it is ${digest}, and not ${named}.`);
  return { value: undefined, detail: `the listing is ${digest}` };
}

function drawAgain({ predicate }: Statement, listing: Uint8Array): Taken<void> {
  const faults = drawFaults(predicate, new TextDecoder().decode(listing));
  if (faults.length > 0) throw new Refusal(faults.join('; '));
  return { value: undefined, detail: `drawn again, the lot falls on ${predicate.restore_point.resolved}` };
}

async function checkArtefact(
  statement: Statement | RestoreStatement,
  path: string,
  onBytes: (bytes: number) => void,
  signal: AbortSignal | undefined,
): Promise<Taken<void>> {
  const [subject] = statement.subject;
  if (subject === undefined || statement.predicate.backup?.sha256 === undefined) {
    throw new Refusal(`The receipt is about no artefact: its subject is ${subject?.name ?? 'absent'}.`);
  }
  const digest = await digestArtefact(path, onBytes, signal);
  if (digest === subject.digest.sha256)
    return { value: undefined, detail: `${subject.name}, sha256 ${digest}` };
  throw new Refusal(
    `${path} is not the backup of this receipt: its SHA-256 is ${digest}, and that of ${subject.name} is ${subject.digest.sha256}.`,
  );
}

function checkConfig(statement: Statement, config: readonly ConfiguredCheck[]): Taken<void> {
  const { found, missing } = matchChecks(statement.predicate.checks, config);
  if (missing.length > 0) throw new Refusal([...missing, ...found].join('; '));
  const count = statement.predicate.checks.length;
  return { value: undefined, detail: [`all ${count} checks found`, ...found].join('; ') };
}

function checkPass({ predicate }: Statement): Taken<void> {
  if (predicate.result !== 'pass') {
    const because = predicate.reason === undefined ? '' : ` (${predicate.reason})`;
    throw new Refusal(`The receipt is authentic, and the result is ${predicate.result}${because}.`);
  }
  if (predicate.environment.substitute === true) {
    throw new Refusal(
      'The receipt is authentic, but a stand-in for the kind of server of the source was asked.',
    );
  }
  return { value: undefined, detail: 'the result is pass' };
}

/** A receipt may come from anyone, and a terminal must not obey it. */
function printable(text: string): string {
  const clean = text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, '\uFFFD');
  return clean.length > 1000 ? `${clean.slice(0, 1000)}…` : clean;
}
