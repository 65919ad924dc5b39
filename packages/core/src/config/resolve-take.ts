import type { Fidelity, Rehearse, SecretRef, Source, Take } from './config.js';
import { resolvePath } from './resolve-path.js';
import type { SourceFile } from './schema.js';

const DEFAULT_TAKE_LIMIT_MS = 6 * 60 * 60 * 1000;
/** Of PostgreSQL. */
const DEFAULT_MAJOR = 17;
const DEFAULT_BUDGET_MS = 10 * 60 * 1000;

interface Resolving {
  readonly baseDirectory: string;
  readonly absoluteRef: (ref: SecretRef, baseDirectory: string) => SecretRef;
}

/** What a source says of backups that Muster takes, records and rehearses, put into force. */
export function resolveTaking(
  source: SourceFile,
  resolving: Resolving,
): Pick<Source, 'take' | 'fidelity' | 'rehearse'> {
  const { take, rehearse, fidelity } = source;
  return {
    ...(take && { take: resolveTake(take, source.pool ?? 'default', resolving) }),
    fidelity: resolveFidelity(fidelity),
    ...(rehearse && { rehearse: resolveRehearse(rehearse, resolving.baseDirectory) }),
  };
}

function resolveTake(
  take: NonNullable<SourceFile['take']>,
  pool: string,
  { baseDirectory, absoluteRef }: Resolving,
): Take {
  const { cron, retain, encrypt, data_directory: dataDirectory } = take;
  const type = take.type ?? 'incr';
  const schedules =
    cron === undefined
      ? (take.schedules ?? [])
      : [{ name: 'default', cron, ...(take.tz !== undefined && { tz: take.tz }) }];
  return {
    schedules: schedules.map((schedule) => ({ tz: 'UTC', type, ...schedule })),
    type,
    format: take.format ?? 'custom',
    jobs: take.jobs ?? 2,
    ...(retain && { retain }),
    overrun: take.overrun ?? 'skip',
    pool: take.pool ?? pool,
    ...(encrypt && { encrypt: { age: absoluteRef(encrypt.age, baseDirectory) } }),
    ...(dataDirectory !== undefined && { dataDirectory: resolvePath(baseDirectory, dataDirectory) }),
    limitMs: take.limit ?? DEFAULT_TAKE_LIMIT_MS,
  };
}

function resolveFidelity(fidelity: SourceFile['fidelity']): Fidelity {
  const {
    level,
    budget,
    sentinels = [],
  } = typeof fidelity === 'string' ? { level: fidelity } : (fidelity ?? {});
  return { ...(level && { level }), budgetMs: budget ?? DEFAULT_BUDGET_MS, sentinels };
}

function resolveRehearse(rehearse: NonNullable<SourceFile['rehearse']>, baseDirectory: string): Rehearse {
  const { base, migrate = [], major, version, seed = [] } = rehearse;
  return {
    ...(base !== undefined && { base: resolvePath(baseDirectory, base) }),
    migrate: migrate.map((path) => resolvePath(baseDirectory, path)),
    major: major ?? DEFAULT_MAJOR,
    ...(version !== undefined && { version }),
    seed,
  };
}
