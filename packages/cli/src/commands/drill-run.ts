import { access, constants, writeFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { MusterError, parseDuration, type Source } from '@muster/core';
import type { KeptScratch } from '@muster/drill';
import type { Cli } from '../cli.js';
import { type Held, hold } from '../hold.js';
import { interruptible } from '../interruption.js';
import { chooseSource, type LoadedConfig, loadConfig } from '../load-config.js';
import { drillObserver, type PerformedDrill, performDrill } from '../perform-drill.js';
import { EXIT } from '../problem.js';
import { checkTable } from '../render/checks.js';
import { nearest } from '../render/faults.js';
import { fidelityLines } from '../render/fidelity.js';
import { fields } from '../render/fields.js';
import { objectiveFields, warningLines } from '../render/objectives.js';
import { recoveryText } from '../render/recovery.js';
import { verdictLines } from '../render/verdict.js';
import { commandName, shellWord } from '../terminal/shell.js';
import { askedDrill } from './asked-drill.js';
import { type RestorePointOptions, restorePointOf } from './restore-point-options.js';

export interface DrillRunOptions extends RestorePointOptions {
  readonly source?: string;
  readonly schedule?: string;
  readonly receipt?: string;
  readonly keep?: string;
}

/** `muster drill run`: exit code by the verdict. */
export async function drillRun(cli: Cli, options: DrillRunOptions): Promise<number> {
  const flagged = restorePointOf(options, cli.environment.now());
  const keepMs = keepOf(options.keep);
  const loaded = await loadConfig(cli);
  const drill = askedDrill(chooseSource(loaded, options.source), flagged, options.schedule);
  if (options.receipt !== undefined) await requireRoomFor(cli, options.receipt);
  const observer = drillObserver(cli);
  return interruptible(cli.process, observer.interrupted, async (signal) => {
    const asked = { ...drill, ...(keepMs !== undefined && { keepMs }) };
    const outcome = await performDrill(cli, loaded, asked, observer, signal).finally(observer.close);
    const held =
      outcome.kept === undefined || keepMs === undefined
        ? undefined
        : heldOf(cli, drill.source, outcome, outcome.kept, keepMs);
    try {
      if (options.receipt !== undefined) await writeReceipt(cli, loaded, outcome, options.receipt);
      present(cli, loaded, outcome, held, options.receipt);
      if (held !== undefined) await hold(cli, held, signal);
    } finally {
      await outcome.kept?.release();
    }
    return EXIT[outcome.statement.predicate.result];
  });
}

function keepOf(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const ms = parseDuration(text);
  if (ms === undefined) throw new MusterError('usage', '--keep takes a duration such as 90s, 15m or 1h.');
  return ms;
}

function heldOf(cli: Cli, source: Source, outcome: PerformedDrill, kept: KeptScratch, keepMs: number): Held {
  return {
    drillId: outcome.statement.predicate.drill_id,
    slug: source.slug,
    kind: source.kind,
    kept,
    serverVersion: kept.server.version,
    expiresAt: new Date(cli.environment.now().getTime() + keepMs),
  };
}

/** Known before a long restore rather than after it. */
async function requireRoomFor(cli: Cli, file: string): Promise<void> {
  const directory = dirname(resolve(cli.environment.cwd, file));
  try {
    await access(directory, constants.W_OK);
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code;
    throw new MusterError(
      'usage',
      `--receipt cannot be written to ${directory} (${code}): name another place.`,
      {
        cause,
      },
    );
  }
}

async function writeReceipt(
  cli: Cli,
  loaded: LoadedConfig,
  outcome: PerformedDrill,
  file: string,
): Promise<void> {
  try {
    await writeFile(resolve(cli.environment.cwd, file), outcome.receipt);
  } catch (cause) {
    throw new MusterError(
      'evidence_unwritable',
      `The drill ended in ${outcome.statement.predicate.result} and its receipt is ${receiptPath(loaded, outcome)}, ` +
        `but it could not be written to ${file} (${(cause as NodeJS.ErrnoException).code}).`,
      { cause },
    );
  }
}

const receiptPath = ({ evidence }: LoadedConfig, { key }: PerformedDrill): string =>
  `${evidence.store.location}/${key}`;

function present(
  cli: Cli,
  loaded: LoadedConfig,
  outcome: PerformedDrill,
  held: Held | undefined,
  copy: string | undefined,
): void {
  const { output, environment } = cli;
  const { predicate } = outcome.statement;
  const path = receiptPath(loaded, outcome);
  const document = {
    drill_id: predicate.drill_id,
    source: predicate.source.slug,
    result: predicate.result,
    ...(predicate.reason && { reason: predicate.reason }),
    ...(outcome.message && { message: outcome.message }),
    receipt: path,
    statement: outcome.statement,
    ...(held && {
      kept: {
        database: held.kept.database,
        connect: held.kept.connectCommand,
        expires_at: held.expiresAt.toISOString(),
      },
    }),
  };
  output.result(document, () => {
    const { style, width } = output;
    const verdict = [...verdictLines(predicate, outcome.message, style), ...warningLines(predicate, style)];
    const near = (file: string): string => shellWord(nearest(file, environment.cwd));
    const muster = commandName(environment.env);
    const verify = (file: string): readonly [string, string] => [
      'verify',
      `${muster} verify ${file} --keyring ${near(loaded.evidence.keyring)}`,
    ];
    const inDirectory = loaded.evidence.store.type === 'directory';
    const receipt: readonly [string, string] = ['receipt', inDirectory ? near(path) : path];
    if (output.quiet) return [...verdict, ...fields([receipt], style)];
    const where = fields(
      [
        ['recovery', recoveryText(predicate.recovery)],
        ['fidelity', fidelityLines(predicate.fidelity)],
        ...objectiveFields(predicate, style),
        receipt,
        // What lies in S3 is verified where it is read, or as a copy.
        inDirectory
          ? verify(near(path))
          : copy === undefined
            ? ['show', `${muster} drill show ${predicate.drill_id}`]
            : verify(shellWord(copy)),
      ],
      style,
    );
    const checks = predicate.checks.length === 0 ? [] : ['', ...checkTable(predicate.checks, style, width)];
    return [...checks, '', ...verdict, '', ...where];
  });
}
