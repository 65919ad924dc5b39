import { createInterface } from 'node:readline/promises';
import type { Readable } from 'node:stream';
import type { Backup } from '@muster/backups';
import { formatSize, MusterError } from '@muster/core';
import type { DataDirectory, RestorePlan } from '@muster/restore';
import { fields } from '../render/fields.js';
import type { Output } from '../terminal/output.js';
import { printable } from '../terminal/printable.js';

/** What is going to be overwritten, for people. */
export function planLines(
  { backup, format, target, notes, isSource }: RestorePlan,
  output: Output,
): string[] {
  const { errStyle: style } = output;
  const count = (number: number): string => number.toLocaleString('en-US');
  const there = target.exists
    ? target.isEmpty
      ? 'an empty database'
      : `has ${count(target.tables)} tables, about ${count(target.rows)} rows, ${formatSize(target.bytes)}`
    : 'is not there yet';
  const left = target.left;
  return [
    ...fields(
      [
        [
          'backup',
          `${printable(backup.id)} · ${format} · ${formatSize(backup.sizeBytes)} · of ${backup.createdAt.toISOString()}`,
        ],
        ['from', printable(backup.location)],
        ['target', `${printable(target.name)} at ${printable(target.place)}, server ${target.serverVersion}`],
        ['now there', there],
        ['so', target.fate],
      ],
      style,
    ),
    ...(left === undefined
      ? []
      : [
          left.state === 'whole'
            ? `An earlier restore left ${printable(left.where)} whole; of the same backup, only the last step is taken.`
            : `An interrupted restore left ${printable(left.where)} behind: it is removed first.`,
        ]),
    ...notes.map(printable),
    ...(isSource ? [style.bad('The target is the live source itself.')] : []),
  ];
}

/** What is going to be restored into a data directory, for people. */
export function setLines(
  { path, version, isEmpty }: DataDirectory,
  set: Backup | undefined,
  { location, upTo }: { readonly location: string; readonly upTo: string },
  { errStyle: style }: Output,
): string[] {
  return fields(
    [
      ['set', set ? `${set.id} · of ${set.createdAt.toISOString()}` : 'the one that pgBackRest chooses'],
      ['from', printable(location)],
      ['up to', printable(upTo)],
      ['into', printable(path)],
      ['now there', isEmpty ? 'nothing' : `a cluster of PostgreSQL ${printable(version ?? '')}`],
      ['so', isEmpty ? undefined : 'it becomes what the backup is'],
    ],
    style,
  );
}

/** Has a person type the target's name, or its path. @throws `name_not_typed`, also where nobody is there to type. */
export async function typeName(
  { name, what = 'name' }: { readonly name: string; readonly what?: 'name' | 'path' },
  input: Readable & { readonly isTTY?: boolean },
  output: Output,
  signal: AbortSignal,
): Promise<void> {
  if (input.isTTY !== true)
    throw new MusterError(
      'name_not_typed',
      `Nobody is at a terminal to type the ${what} of the target: give --yes if you mean it. Nothing was changed.`,
    );
  const asking = createInterface({ input, terminal: false });
  output.stderr.write(`Type the ${what} of the target (${printable(name)}) to go on: `);
  try {
    const typed = await new Promise<string>((answer, reject) => {
      asking.once('line', answer);
      asking.once('close', () => answer(''));
      signal.addEventListener('abort', () => reject(interrupted()), { once: true });
    });
    if (typed.trim() === name) return;
  } finally {
    asking.close();
  }
  throw new MusterError('name_not_typed', `That is not the ${what} of the target. Nothing was changed.`);
}

const interrupted = (): MusterError => new MusterError('cancelled', 'Interrupted. Nothing was changed.');
