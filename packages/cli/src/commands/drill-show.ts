import { MusterError } from '@muster/core';
import type { Cli } from '../cli.js';
import { readReceipt } from '../evidence-reader.js';
import { interruptible } from '../interruption.js';
import { loadConfig } from '../load-config.js';
import { openOutputLog } from '../output-log.js';
import { stateDirectory } from '../places.js';
import { EXIT } from '../problem.js';
import { receiptLines } from '../render/receipt.js';
import { printableLines } from '../terminal/printable.js';

export interface DrillShowOptions {
  readonly output?: true;
}

/** `muster drill show`: what a verified receipt says, or with `--output` what was printed on this machine. */
export async function drillShow(cli: Cli, drillId: string, options: DrillShowOptions): Promise<number> {
  return options.output ? showOutput(cli, drillId) : showReceipt(cli, drillId);
}

function showReceipt(cli: Cli, drillId: string): Promise<number> {
  return interruptible(
    cli.process,
    () => {},
    async (signal) => {
      const { output, environment } = cli;
      const { key, verification } = await readReceipt(await loadConfig(cli), environment, drillId, signal);
      const { statement, steps, exitCode, keyId } = verification;
      if (exitCode !== 0 || statement === undefined || keyId === undefined)
        throw new MusterError('evidence_malformed', `${key} is not to be believed: ${steps.at(-1)?.detail}`);
      output.result(statement, () =>
        receiptLines(statement, keyId, environment.now(), output.style, output.width),
      );
      return EXIT.pass;
    },
  );
}

async function showOutput({ environment, output }: Cli, drillId: string): Promise<number> {
  const log = await openOutputLog(stateDirectory(environment), environment.now);
  const text = await log.read(drillId);
  output.result({ drill_id: drillId, path: log.pathOf(drillId), output: text }, () => [
    printableLines(text).trimEnd(),
  ]);
  return EXIT.pass;
}
