import type { Check } from '../check.js';
import type { Sha256 } from '../digest.js';
import type { Objectives } from '../objectives.js';
import { readRestorePoint } from '../restore-point.js';
import { resolveApi } from './api.js';
import type {
  BackupConfig,
  Config,
  DirectoryPlace,
  EvidencePlace,
  PgbackrestConfig,
  S3Access,
  S3Place,
  Schedule,
  ScratchLimits,
  SecretRef,
  Source,
  TimeLimits,
} from './config.js';
import { resolvePath } from './resolve-path.js';
import { resolveTaking } from './resolve-take.js';
import { s3Location } from './s3-location.js';
import type { StoreLocation } from './scalars.js';
import type { CheckFile, ConfigFile, SourceFile } from './schema.js';

export const DEFAULT_LIMITS: TimeLimits = {
  locate: 60_000,
  fetch: 7_200_000,
  launch: 120_000,
  restore: 14_400_000,
  check: 60_000,
  drill: 21_600_000,
};

const DEFAULT_SCRATCH: ScratchLimits = {
  cpus: 2,
  memoryBytes: 2 * 1024 ** 3,
  diskBytes: 20 * 1024 ** 3,
  pids: 512,
};

const DEFAULT_IMAGES = { postgres: 'postgres:{major}', mongodb: 'mongo:{major}' } as const;

export interface ResolveContext {
  /** Absolute. */
  readonly baseDirectory: string;
  readonly configSha256: Sha256;
  /** The `summary_find` of a check as an ordered Map. */
  readonly summaryFind: (checkIndex: number) => ReadonlyMap<string, unknown>;
}

/** Puts a faultless file into force: defaults, references between its parts, absolute paths. */
export function resolveConfig(file: ConfigFile, context: ResolveContext): Config {
  const { baseDirectory, configSha256 } = context;
  const declared = new Map((file.checks ?? []).map((check, index) => [check.id, { check, index }]));
  const withTimeout = (id: string, timeoutMs: number): Check => {
    const found = declared.get(id);
    if (found === undefined) throw new Error('a check that the cross-checks let through is not declared');
    return resolveCheck(found.check, found.index, timeoutMs, context);
  };
  const sources = file.sources.map((own): Source => {
    const source = inherit(own, file.defaults);
    const limits = { ...DEFAULT_LIMITS, ...source.limits };
    const checksOf = (ids: readonly string[] = []) => ids.map((id) => withTimeout(id, limits.check));
    return resolveSource(source, checksOf, limits, baseDirectory);
  });
  const { signing, evidence, scratch } = file;
  return {
    sources,
    checks: [...declared.keys()].map((id) => withTimeout(id, DEFAULT_LIMITS.check)),
    scratch: { kind: scratch?.kind ?? 'auto', images: { ...DEFAULT_IMAGES, ...scratch?.images } },
    signing: signing?.key === undefined ? {} : { key: absoluteRef(signing.key, baseDirectory) },
    evidence: {
      ...(evidence?.store === undefined
        ? {}
        : { store: resolveStore(evidence, evidence.store, baseDirectory) }),
      ...(evidence?.keyring === undefined ? {} : { keyring: resolvePath(baseDirectory, evidence.keyring) }),
    },
    redis: urlOf(file.redis, baseDirectory),
    index: urlOf(file.index, baseDirectory),
    api: resolveApi(file.api),
    configSha256,
  };
}

/** `scratch` and `limits` are many settings and inherit each by itself; all other keys are one. */
function inherit(own: SourceFile, defaults: ConfigFile['defaults'] = {}): SourceFile {
  const source = {
    ...defaults,
    ...own,
    scratch: { ...defaults.scratch, ...own.scratch },
    limits: { ...defaults.limits, ...own.limits },
  };
  // So do `schedule` and `schedules`.
  if (own.schedules !== undefined && own.schedule === undefined) delete source.schedule;
  if (own.schedule !== undefined && own.schedules === undefined) delete source.schedules;
  // `checks` and `restore_only` exclude each other: what the source itself says wins over `defaults`.
  if (own.restore_only === true) return { ...source, checks: [] };
  if (own.checks !== undefined && own.checks.length > 0) return { ...source, restore_only: false };
  return source;
}

/** The checks of such ids, with the timeout of one source where they have none. */
type ChecksOf = (ids: readonly string[] | undefined) => readonly Check[];

function resolveSource(
  source: SourceFile,
  checksOf: ChecksOf,
  limits: TimeLimits,
  baseDirectory: string,
): Source {
  const { slug, kind, database, connection, image, summaries } = source;
  if (kind === undefined) throw new Error('a source that the cross-checks let through has no kind');
  const { cpus, memory, disk, pids } = source.scratch ?? {};
  return {
    slug,
    kind,
    ...(database === undefined ? {} : { database }),
    ...(connection === undefined ? {} : { connection: { uri: absoluteRef(connection.uri, baseDirectory) } }),
    backup: resolveBackup(source.backup, baseDirectory),
    companions: (source.companions ?? []).map(({ from, to, s3 }) => ({
      from: resolvePlace(from, s3, baseDirectory),
      to,
    })),
    checks: checksOf(source.checks),
    restoreOnly: source.restore_only === true,
    summaries: summaries ?? 'full',
    ...(image === undefined ? {} : { image }),
    scratch: {
      cpus: cpus ?? DEFAULT_SCRATCH.cpus,
      memoryBytes: memory ?? DEFAULT_SCRATCH.memoryBytes,
      diskBytes: disk ?? DEFAULT_SCRATCH.diskBytes,
      pids: pids ?? DEFAULT_SCRATCH.pids,
    },
    limits,
    schedules: resolveSchedules(source, checksOf),
    ...(source.objectives === undefined ? {} : { objectives: resolveObjectives(source.objectives) }),
    ...resolveTaking(source, { baseDirectory, absoluteRef }),
    pool: source.pool ?? 'default',
  };
}

type ScheduleFile = NonNullable<SourceFile['schedules']>[number];

function resolveSchedules({ schedule, schedules = [] }: SourceFile, checksOf: ChecksOf): readonly Schedule[] {
  const all: readonly ScheduleFile[] =
    schedule === undefined ? schedules : [{ name: 'default', cron: schedule }];
  return all.map(({ name, cron, tz, restore_point, present, absent, jitter, overrun }) => ({
    name,
    cron,
    tz: tz ?? 'UTC',
    restorePoint: readRestorePoint(restore_point ?? 'latest'),
    present: checksOf(present),
    absent: checksOf(absent),
    jitterMs: jitter ?? 0,
    overrun: overrun ?? 'skip',
  }));
}

function resolveObjectives({ rto, rpo, enforce }: NonNullable<SourceFile['objectives']>): Objectives {
  return {
    ...(rto === undefined ? {} : { rtoMs: rto }),
    ...(rpo === undefined ? {} : { rpoMs: rpo }),
    enforce: enforce ?? 'rpo',
  };
}

function urlOf(
  part: { readonly url?: SecretRef } | undefined,
  baseDirectory: string,
): { readonly url?: SecretRef } {
  return part?.url === undefined ? {} : { url: absoluteRef(part.url, baseDirectory) };
}

function resolveBackup(backup: SourceFile['backup'], baseDirectory: string): BackupConfig {
  if (backup?.type === 'pgbackrest') return resolvePgbackrest(backup, baseDirectory);
  if (backup?.location === undefined) return { type: 'live' };
  const { location, s3, match, tz, decrypt } = backup;
  return {
    type: 'dump',
    place: resolvePlace(location, s3, baseDirectory),
    ...(match === undefined ? {} : { match }),
    ...(tz === undefined ? {} : { tz }),
    ...(decrypt === undefined ? {} : { decrypt: { age: absoluteRef(decrypt.age, baseDirectory) } }),
  };
}

type BackupFile = NonNullable<SourceFile['backup']>;

function resolvePgbackrest(backup: BackupFile, baseDirectory: string): PgbackrestConfig {
  const { stanza, delta, process_max: processMax } = backup;
  const repository = resolveRepository(backup, baseDirectory);
  if (stanza === undefined || repository === undefined)
    throw new Error('a pgBackRest backup that the cross-checks let through has no stanza or repository');
  return {
    type: 'pgbackrest',
    stanza,
    repository,
    ...(delta === true && { delta }),
    ...(processMax === undefined ? {} : { processMax }),
  };
}

function resolveRepository(
  { repo, config }: BackupFile,
  baseDirectory: string,
): PgbackrestConfig['repository'] | undefined {
  if (repo === undefined)
    return config === undefined ? undefined : { kind: 'config', path: resolvePath(baseDirectory, config) };
  const { path, s3, cipher_pass: cipherPass } = repo;
  return {
    kind: 'place',
    place: resolvePlace(path, s3, baseDirectory),
    ...(cipherPass === undefined ? {} : { cipherPass: absoluteRef(cipherPass, baseDirectory) }),
  };
}

function resolveStore(
  { s3, object_lock: objectLock }: NonNullable<ConfigFile['evidence']>,
  store: StoreLocation,
  baseDirectory: string,
): EvidencePlace {
  const place = resolvePlace(store, s3, baseDirectory);
  return place.type === 's3' && objectLock !== undefined ? { ...place, objectLock } : place;
}

function resolvePlace(
  place: StoreLocation,
  s3: S3File | undefined,
  baseDirectory: string,
): DirectoryPlace | S3Place {
  if (place.type === 'directory')
    return { type: 'directory', location: resolvePath(baseDirectory, place.path) };
  const { bucket, prefix } = place;
  const access = resolveAccess(s3 ?? {}, baseDirectory);
  return { type: 's3', location: s3Location(place), bucket, prefix, s3: access };
}

type S3File = NonNullable<NonNullable<ConfigFile['evidence']>['s3']>;

function resolveAccess(s3: S3File, baseDirectory: string): S3Access {
  const { endpoint, region, path_style, access_key_id, secret_access_key } = s3;
  return {
    ...(endpoint === undefined ? {} : { endpoint }),
    ...(region === undefined ? {} : { region }),
    ...(path_style === undefined ? {} : { pathStyle: path_style }),
    ...(access_key_id === undefined || secret_access_key === undefined
      ? {}
      : {
          credentials: {
            accessKeyId: absoluteRef(access_key_id, baseDirectory),
            secretAccessKey: absoluteRef(secret_access_key, baseDirectory),
          },
        }),
  };
}

function resolveCheck(
  check: CheckFile,
  index: number,
  defaultTimeout: number,
  context: ResolveContext,
): Check {
  return {
    id: check.id,
    question:
      check.summary_sql === undefined
        ? { kind: 'mongodb', summaryFind: context.summaryFind(index) }
        : { kind: 'postgres', summarySql: check.summary_sql },
    expect: check.expect.text,
    expectation: check.expect.expectation,
    timeoutMs: check.timeout ?? defaultTimeout,
    ...(check.database === undefined ? {} : { database: check.database }),
    readOnly: check.read_only ?? false,
  };
}

function absoluteRef(ref: SecretRef, baseDirectory: string): SecretRef {
  return ref.kind === 'env' ? ref : { kind: 'file', path: resolvePath(baseDirectory, ref.path) };
}
