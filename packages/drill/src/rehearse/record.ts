import { MusterError } from '@muster/core';
import type { SeededRow } from '@muster/engines';
import type { Recorded } from './compare.js';
import type { Held } from './production.js';
import type { RehearsalPorts, RehearsalRequest } from './rehearse-ports.js';
import { standInOf } from './stand-in.js';
import { type Version, versionOf } from './version.js';

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
): Promise<Version | undefined> {
  const { version } = source.rehearse;
  if (version === undefined) return undefined;
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
  return versionOf(answer, source.limits.check);
}

/** What is not there before can prove nothing afterwards. @throws `rehearsal_unready` */
export function requireComplete(before: Recorded): void {
  if (before.version?.fault !== undefined)
    throw new MusterError(
      'rehearsal_unready',
      `The query of rehearse.version ${before.version.fault} before the backup, and one row with one value is needed: correct it, or what stands in for production.`,
    );
  const lost = before.sentinels.find(({ count }) => count === 0);
  if (lost !== undefined)
    throw new MusterError(
      'rehearsal_unready',
      `A row that was put into ${lost.table} (rehearse.seed) is not there as it was put in: see the triggers of the table.`,
    );
}
