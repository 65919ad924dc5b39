import { MusterError } from '@muster/core';
import {
  acknowledgeQuarantined,
  type EvidenceStore,
  listQuarantine,
  type Quarantined,
  readQuarantineNotes,
} from '@muster/evidence';
import type { Command } from 'commander';
import type { Cli, Perform } from '../cli.js';
import { openEvidenceStore } from '../evidence-store.js';
import { knownConfig } from '../fleet/known-config.js';
import { interruptible } from '../interruption.js';
import { EXIT } from '../problem.js';
import { printable } from '../terminal/printable.js';
import { table } from '../terminal/table.js';

const NOTE_LENGTH = 1_000;
/** As much of a digest as people are shown, and the least that they may name. */
const SHORT = 12;

interface AcknowledgeOptions {
  readonly note: string;
}

export function addReceiptsCommands(program: Command, perform: Perform): void {
  const receipts = program
    .command('receipts')
    .description('receipts that went to quarantine, which nobody believes');
  receipts
    .command('quarantined')
    .description('what lies in quarantine in the evidence store: since when, why, and who said what of it')
    .addHelpText('after', '\nExample:\n  $ muster receipts quarantined')
    .action((_options: object, command: Command) => perform(command, quarantined));
  receipts
    .command('acknowledge')
    .description(
      'note that you saw to it: it stays where it is, and muster_receipts_quarantined counts it no more',
    )
    .argument('<id>', 'as muster receipts quarantined shows it, or the drill: all that is there of it')
    .requiredOption('--note <text>', 'what it was, for whoever asks later')
    .addHelpText(
      'after',
      '\nExample:\n  $ muster receipts acknowledge 5f2a9c01d3e7 --note "worker of the staging fleet, key not in the keyring"',
    )
    .action((id: string, options: AcknowledgeOptions, command: Command) =>
      perform(command, (cli) => acknowledge(cli, id, options)),
    );
}

const withStore = (
  cli: Cli,
  work: (store: EvidenceStore, signal: AbortSignal) => Promise<number>,
): Promise<number> =>
  interruptible(
    cli.process,
    () => {},
    async (signal) => {
      const { evidence } = await knownConfig(cli);
      return await work(openEvidenceStore(evidence.store, cli.environment), signal);
    },
  );

const quarantined = (cli: Cli): Promise<number> =>
  withStore(cli, async (store, signal) => {
    const { output } = cli;
    const documents: QuarantinedDocument[] = [];
    for (const one of await listQuarantine(store, signal))
      documents.push(await documentOf(store, one, signal));
    output.result({ quarantined: documents }, () =>
      documents.length === 0
        ? [`Nothing is in quarantine in ${store.location}.`]
        : table(
            [
              { title: 'id' },
              { title: 'drill' },
              { title: 'since (UTC)' },
              { title: 'why', flexible: true },
              { title: 'acknowledged' },
            ],
            documents.map(({ id, drill_id, quarantined_at, why, note }) => [
              { text: id.slice(0, SHORT) },
              { text: drill_id ?? 'unknown' },
              {
                text: printable(quarantined_at?.slice(0, 16).replace('T', ' ') ?? ''),
                paint: output.style.dim,
              },
              { text: printable(why ?? 'not noted: the log of the sink says it') },
              { text: printable(note ?? ''), paint: output.style.dim },
            ]),
            output.style,
            output.width,
          ),
    );
    return EXIT.pass;
  });

interface QuarantinedDocument {
  readonly id: string;
  readonly key: string;
  readonly drill_id?: string;
  readonly quarantined_at?: string;
  readonly why?: string;
  readonly acknowledged_at?: string;
  readonly note?: string;
}

async function documentOf(
  store: EvidenceStore,
  one: Quarantined,
  signal: AbortSignal,
): Promise<QuarantinedDocument> {
  const { why, acknowledged } = await readQuarantineNotes(store, one, signal);
  const { sha256, key, drillId } = one;
  return { id: sha256, ...(drillId && { drill_id: drillId }), key, ...why, ...acknowledged };
}

function acknowledge(cli: Cli, id: string, { note }: AcknowledgeOptions): Promise<number> {
  const text = note.trim();
  if (text === '' || text.length > NOTE_LENGTH)
    throw new MusterError('usage', `A note has 1 to ${NOTE_LENGTH} characters: say what it was.`);
  return withStore(cli, async (store, signal) => {
    const chosen = choose(await listQuarantine(store, signal), id, store.location);
    const said = { note: text, at: cli.environment.now() };
    const lines: string[] = [];
    for (const one of chosen) {
      const outcome = await acknowledgeQuarantined(store, one, said, signal);
      const what = outcome === 'stored' ? 'acknowledged' : 'was acknowledged before: that note stands';
      lines.push(`${one.sha256.slice(0, SHORT)} ${what}`);
    }
    cli.output.result({ acknowledged: chosen.map(({ sha256, key }) => ({ id: sha256, key })) }, () => lines);
    return EXIT.pass;
  });
}

/** @throws `usage`, `evidence_not_found`. */
function choose(there: readonly Quarantined[], id: string, location: string): readonly Quarantined[] {
  const chosen = there.filter(
    ({ drillId, sha256 }) => drillId === id || (id.length >= SHORT && sha256.startsWith(id)),
  );
  if (chosen.length === 0) {
    throw new MusterError(
      'evidence_not_found',
      `Nothing in quarantine in ${location} has that id: muster receipts quarantined lists what there is.`,
    );
  }
  return chosen;
}
