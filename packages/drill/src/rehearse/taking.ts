import { createPgbackrestTake } from '@muster/backups';
import { MusterError, newTakeId, type SetType, type Source } from '@muster/core';
import { standInStanza } from '@muster/engines';
import { explain } from '../launch.js';
import type { Held } from './production.js';
import type { RehearsalPorts, RehearsalRequest } from './rehearse-ports.js';
import { standInOf } from './stand-in.js';

/** How what stands in for production is backed up. */
export interface Taking {
  /** What must be there before production is lived in: a stanza, and the set that `diff` and `incr` build on. */
  prepare(signal: AbortSignal): Promise<void>;
  /** As `take` of the source says, into `place`. @returns the id of the backup. */
  take(signal: AbortSignal): Promise<string>;
}

/** @param rehearsed - the source whose backups lie in `place`, an empty directory of this machine. */
export function takingOf(
  ports: RehearsalPorts,
  request: RehearsalRequest,
  production: Held,
  rehearsed: Source,
  place: string,
): Taking {
  const { backup } = request.source;
  return backup.type === 'pgbackrest'
    ? takingSets(ports, request, production, { stanza: backup.stanza, place })
    : takingDumps(ports, request, production, rehearsed);
}

function takingDumps(
  ports: RehearsalPorts,
  request: RehearsalRequest,
  production: Held,
  rehearsed: Source,
): Taking {
  const take = ports.takeFrom(standInOf(request.source, production).uri(production.database));
  return {
    prepare: () => Promise.resolve(),
    take: async (signal) => (await take(asked(ports, rehearsed), told(ports, request), signal)).backupId,
  };
}

/** The repository is carried out of the scratch at the end: it must not be lost with what it is a backup of. */
function takingSets(
  ports: RehearsalPorts,
  request: RehearsalRequest,
  { scratch }: Held,
  { stanza, place }: { readonly stanza: string; readonly place: string },
): Taking {
  const { source } = request;
  const { type = 'incr', jobs = 1 } = source.take ?? {};
  const tool = standInStanza(scratch, { stanza, jobs });
  const take = createPgbackrestTake({
    tool,
    stanza,
    jobs,
    locationOf: (path) => Promise.resolve(path),
    now: ports.now,
  });
  const takeSet = async (kind: SetType, signal: AbortSignal) =>
    await take({ ...asked(ports, source), type: kind }, told(ports, request), signal);
  const explained = async <T>(work: Promise<T>, signal: AbortSignal): Promise<T> =>
    await work.catch((error) => explain({ scratch }, source, error, signal));
  const prepare = async (signal: AbortSignal): Promise<void> => {
    await tool.create(signal);
    if (type !== 'full') await takeSet('full', signal);
  };
  const takeOut = async (signal: AbortSignal): Promise<string> => {
    const { backupId, set } = await takeSet(type, signal);
    if (set?.type !== type)
      throw new MusterError(
        'take_failed',
        `pgBackRest was asked for a backup set of the type ${type}, and made another.`,
      );
    await tool.carryOut(place, source.scratch.diskBytes, signal);
    return backupId;
  };
  return {
    prepare: (signal) => explained(prepare(signal), signal),
    take: (signal) => explained(takeOut(signal), signal),
  };
}

const asked = ({ now }: RehearsalPorts, source: Source) =>
  ({ takeId: newTakeId(now()), source, trigger: { kind: 'rehearsal' } }) as const;

const told = (ports: RehearsalPorts, { rehearsalId }: RehearsalRequest) => ({
  onProgress: () => undefined,
  onOutput: (text: string) => ports.output(rehearsalId, text),
});
