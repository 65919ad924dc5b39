import { MusterError } from '@muster/core';
import type { Cli } from '../cli.js';
import { readReceipt, type StoredReceipt } from '../evidence-reader.js';
import { knownConfig } from '../fleet/known-config.js';
import type { OpenDrill } from '../fleet/open-drills.js';
import { interruptible } from '../interruption.js';
import { openOutputLog } from '../output-log.js';
import { stateDirectory } from '../places.js';
import { EXIT } from '../problem.js';
import { askedBy } from '../render/asked-by.js';
import { fields } from '../render/fields.js';
import { receiptLines } from '../render/receipt.js';
import { printable, printableLines } from '../terminal/printable.js';
import { openSummaryOf, waitText } from './drill-list.js';

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
      const loaded = await knownConfig(cli);
      const found = await readReceipt(loaded, cli, drillId, signal).catch(async (error: unknown) => {
        const { openDrill } = await import('../fleet/open-drills.js');
        const open = await openDrill(cli, loaded, drillId);
        if (open === undefined) throw error;
        return open;
      });
      return 'state' in found ? tellOpen(cli, found) : tellReceipt(cli, found);
    },
  );
}

/** What is known of a drill without a receipt. */
export function tellOpen({ output }: Cli, open: OpenDrill): number {
  const document = openSummaryOf(open);
  output.result(document, () => {
    const { waits_for: _, trigger: __, trace_id: ___, ...rest } = document;
    const told = Object.entries(rest).map(([name, value]): [string, string] => [
      name.replaceAll('_', ' '),
      printable(String(value)),
    ]);
    return fields(
      [
        ...told,
        ['asked by', open.trigger && askedBy(open.trigger)],
        ['trace', open.traceId],
        ['waits for', waitText(open)],
      ],
      output.style,
    );
  });
  return EXIT.pass;
}

/** What a receipt says. @throws `evidence_malformed` for one that does not verify. */
export function tellReceipt({ output, environment }: Cli, { key, verification }: StoredReceipt): number {
  const { statement, steps, exitCode, keyId } = verification;
  if (exitCode !== 0 || statement === undefined || keyId === undefined)
    throw new MusterError('evidence_malformed', `${key} is not to be believed: ${steps.at(-1)?.detail}`);
  output.result(statement, () =>
    receiptLines(statement, keyId, environment.now(), output.style, output.width),
  );
  return EXIT.pass;
}

async function showOutput({ environment, output }: Cli, drillId: string): Promise<number> {
  const log = await openOutputLog(stateDirectory(environment), environment.now);
  const text = await log.read(drillId);
  output.result({ drill_id: drillId, path: log.pathOf(drillId), output: text }, () => [
    printableLines(text).trimEnd(),
  ]);
  return EXIT.pass;
}
