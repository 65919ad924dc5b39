import { writeDuration } from '../duration.js';
import type { JsonValue } from '../jcs.js';
import { writeSecretRef } from '../secret-ref.js';
import type { Fidelity, Source, Take } from './config.js';

type Described = Readonly<Record<string, JsonValue | undefined>>;

/** `take`, `fidelity` and `rehearse` of a source as a file would say them, defaults spelt out. */
export function describeTaking({ kind, backup, take, fidelity, rehearse }: Source): Described {
  const isSets = backup.type === 'pgbackrest';
  return {
    take: take && describeTake(take, { isSets, hasFormat: !isSets && kind === 'postgres' }),
    fidelity: describeFidelity(fidelity),
    rehearse:
      rehearse &&
      present({
        ...rehearse,
        migrate: rehearse.migrate.length === 0 ? undefined : rehearse.migrate,
        major: kind === 'postgres' ? rehearse.major : undefined,
      }),
  };
}

/** A key that is not for such a source would be a fault of the file. */
function describeTake(
  take: Take,
  { isSets, hasFormat }: { readonly isSets: boolean; readonly hasFormat: boolean },
): JsonValue {
  const { retain, encrypt, dataDirectory, limitMs, type, format, jobs, overrun, pool } = take;
  const schedules = take.schedules.map(({ type: own, ...schedule }) =>
    present({ ...schedule, type: isSets ? own : undefined }),
  );
  return present({
    schedules: schedules.length === 0 ? undefined : schedules,
    type: isSets ? type : undefined,
    format: hasFormat ? format : undefined,
    jobs,
    overrun,
    pool,
    retain: retain && present({ ...retain }),
    encrypt: encrypt && { age: writeSecretRef(encrypt.age) },
    data_directory: dataDirectory,
    limit: writeDuration(limitMs),
  });
}

function describeFidelity({ level, budgetMs, sentinels }: Fidelity): JsonValue | undefined {
  if (level === undefined && sentinels.length === 0) return undefined;
  return present({
    level,
    budget: writeDuration(budgetMs),
    sentinels: sentinels.length === 0 ? undefined : sentinels.map((sentinel) => ({ ...sentinel })),
  });
}

const present = (record: Readonly<Record<string, unknown>>): JsonValue =>
  Object.fromEntries(Object.entries(record).filter(([, value]) => value !== undefined)) as JsonValue;
