import { MusterError } from '@muster/core';
import type { SeededRow } from '@muster/engines';
import { type Recorded, soleValue } from './compare.js';
import type { Held } from './production.js';
import type { RehearsalPorts, RehearsalRequest } from './rehearse-ports.js';
import { standInOf } from './stand-in.js';

/** Puts in the rows of `rehearse.seed`. @throws `rehearsal_unready` */
export async function seedAll(
  { source }: RehearsalRequest,
  held: Held,
  signal: AbortSignal,
): Promise<readonly SeededRow[]> {
  const standIn = standInOf(source, held);
  const seeded: SeededRow[] = [];
  for (const seed of source.rehearse.seed) seeded.push(await standIn.seed(held.database, seed, signal));
  return seeded;
}

/** What is there: version, rows, and how many rows are what each seeded one was. */
export async function record(
  ports: RehearsalPorts,
  request: RehearsalRequest,
  held: Held,
  seeded: readonly SeededRow[],
  signal: AbortSignal,
): Promise<Recorded> {
  const standIn = standInOf(request.source, held);
  const version = await versionIn(ports, request, held, signal);
  const rows = await standIn.rows(held.database, signal);
  const sentinels: { table: string; count: number }[] = [];
  for (const row of seeded)
    sentinels.push({ table: row.table, count: await standIn.count(held.database, row, signal) });
  return { ...(version !== undefined && { version }), rows, sentinels };
}

async function versionIn(
  ports: RehearsalPorts,
  { source, rehearsalId }: RehearsalRequest,
  { server, database }: Held,
  signal: AbortSignal,
): Promise<string | undefined> {
  const { version } = source.rehearse;
  if (version === undefined) return undefined;
  if (source.kind !== 'postgres')
    throw new MusterError(
      'rehearsal_unready',
      `rehearse.version is a query for PostgreSQL, and the source "${source.slug}" is another: leave it out.`,
    );
  const answer = await server.ask(
    {
      id: 'version',
      question: { kind: 'postgres', summarySql: version },
      expect: '',
      expectation: { column: '', operator: '==', literal: { kind: 'null' } },
      timeoutMs: source.limits.check,
      readOnly: true,
    },
    {
      database,
      timeoutMs: source.limits.check,
      onOutput: (text) => ports.output(rehearsalId, text),
    },
    signal,
  );
  return soleValue(answer);
}

/** What is not there before can prove nothing afterwards. @throws `rehearsal_unready` */
export function requireComplete({ source }: RehearsalRequest, before: Recorded): void {
  if (source.rehearse.version !== undefined && before.version === undefined)
    throw new MusterError(
      'rehearsal_unready',
      'The query of rehearse.version did not give one row with one value before the backup: correct it, or the migrations.',
    );
  const lost = before.sentinels.find(({ count }) => count === 0);
  if (lost !== undefined)
    throw new MusterError(
      'rehearsal_unready',
      `A row that was put into ${lost.table} (rehearse.seed) is not there as it was put in: see the triggers of the table.`,
    );
}
