import type { Check } from '../check.js';
import { writeDuration } from '../duration.js';
import type { JsonValue } from '../jcs.js';
import type { Objectives } from '../objectives.js';
import { writeRestorePoint } from '../restore-point.js';
import { checksOf } from '../scheduled-source.js';
import { writeSecretRef } from '../secret-ref.js';
import { writeSize } from '../size.js';
import { describeListen } from './api.js';
import type {
  BackupConfig,
  Companion,
  Config,
  PgbackrestConfig,
  S3Access,
  Schedule,
  Source,
} from './config.js';
import { describeTaking } from './describe-take.js';
import { DEFAULT_LIMITS } from './resolve.js';

type Described = { readonly [key: string]: JsonValue | undefined };

/** A part of a configuration; a `summary_find` is an ordered Map, because the order of its keys has meaning. */
export interface DescribedConfig {
  readonly [key: string]: JsonValue | undefined | readonly DescribedConfig[] | ReadonlyMap<string, unknown>;
}

/**
 * The configuration in force, in the shape of its file: read again it is the same configuration. Secrets stay
 * references.
 */
export function describeConfig(config: Config): DescribedConfig {
  const { signing, evidence, scratch } = config;
  const ownTimeouts = checksWithTimeout(config);
  return withoutAbsent<DescribedConfig>({
    sources: config.sources.map(describeSource),
    checks: config.checks.map((check) => describeCheck(check, ownTimeouts.has(check.id))),
    scratch: { kind: scratch.kind, images: { ...scratch.images } },
    signing: signing.key === undefined ? undefined : { key: writeSecretRef(signing.key) },
    evidence: describeEvidence(evidence),
    redis: describeUrl(config.redis),
    index: describeUrl(config.index),
    api: describeApi(config.api),
  });
}

function describeApi({ listen, tokens }: Config['api']): JsonValue | undefined {
  if (listen === undefined && tokens.length === 0) return undefined;
  return withoutAbsent({
    listen: listen && describeListen(listen),
    tokens: tokens.length === 0 ? undefined : tokens.map((token) => ({ ...token })),
  });
}

const describeUrl = ({ url }: Config['redis']): JsonValue | undefined =>
  url === undefined ? undefined : { url: writeSecretRef(url) };

function describeEvidence({ store, keyring }: Config['evidence']): JsonValue | undefined {
  if (store === undefined) return keyring === undefined ? undefined : { keyring };
  return withoutAbsent({
    store: store.location,
    keyring,
    s3: store.type === 's3' ? describeAccess(store.s3) : undefined,
    object_lock: store.type === 's3' && store.objectLock !== undefined ? { ...store.objectLock } : undefined,
  });
}

function describeAccess({ endpoint, region, pathStyle, credentials }: S3Access): JsonValue {
  return withoutAbsent({
    endpoint,
    region,
    path_style: pathStyle,
    access_key_id: credentials && writeSecretRef(credentials.accessKeyId),
    secret_access_key: credentials && writeSecretRef(credentials.secretAccessKey),
  });
}

function describeSource(source: Source): JsonValue {
  const { backup, scratch, limits, connection } = source;
  return withoutAbsent({
    slug: source.slug,
    kind: source.kind,
    database: source.database,
    connection: connection === undefined ? undefined : { uri: writeSecretRef(connection.uri) },
    backup: describeBackup(backup),
    companions: source.companions.length === 0 ? undefined : source.companions.map(describeCompanion),
    checks: source.restoreOnly ? undefined : source.checks.map(({ id }) => id),
    restore_only: source.restoreOnly ? true : undefined,
    summaries: source.summaries,
    image: source.image,
    schedules: source.schedules.length === 0 ? undefined : source.schedules.map(describeSchedule),
    objectives: source.objectives && describeObjectives(source.objectives),
    ...describeTaking(source),
    pool: source.pool,
    scratch: {
      cpus: scratch.cpus,
      memory: writeSize(scratch.memoryBytes),
      disk: writeSize(scratch.diskBytes),
      pids: scratch.pids,
    },
    limits: Object.fromEntries(Object.entries(limits).map(([name, value]) => [name, writeDuration(value)])),
  });
}

function describeBackup(backup: BackupConfig): JsonValue {
  if (backup.type === 'live') return { type: 'live' };
  if (backup.type === 'pgbackrest') return describePgbackrest(backup);
  const { place, match, tz, decrypt } = backup;
  return withoutAbsent({
    type: 'dump',
    location: place.location,
    s3: place.type === 's3' ? describeAccess(place.s3) : undefined,
    match,
    tz,
    decrypt: decrypt && { age: writeSecretRef(decrypt.age) },
  });
}

function describePgbackrest({ stanza, repository, delta, processMax }: PgbackrestConfig): JsonValue {
  return withoutAbsent({
    type: 'pgbackrest',
    stanza,
    ...(repository.kind === 'config'
      ? { config: repository.path }
      : {
          repo: withoutAbsent({
            path: repository.place.location,
            s3: repository.place.type === 's3' ? describeAccess(repository.place.s3) : undefined,
            cipher_pass: repository.cipherPass && writeSecretRef(repository.cipherPass),
          }),
        }),
    delta,
    process_max: processMax,
  });
}

const describeCompanion = ({ from, to }: Companion): JsonValue =>
  withoutAbsent({
    from: from.location,
    to,
    s3: from.type === 's3' ? describeAccess(from.s3) : undefined,
  });

function describeSchedule(schedule: Schedule): JsonValue {
  const { name, cron, tz, restorePoint, present, absent, jitterMs, overrun } = schedule;
  const ids = (checks: readonly Check[]) => (checks.length === 0 ? undefined : checks.map(({ id }) => id));
  return withoutAbsent({
    name,
    cron,
    tz,
    restore_point: writeRestorePoint(restorePoint),
    present: ids(present),
    absent: ids(absent),
    jitter: jitterMs === 0 ? undefined : writeDuration(jitterMs),
    overrun,
  });
}

function describeObjectives({ rtoMs, rpoMs, enforce }: Objectives): JsonValue {
  return withoutAbsent({
    rto: rtoMs === undefined ? undefined : writeDuration(rtoMs),
    rpo: rpoMs === undefined ? undefined : writeDuration(rpoMs),
    enforce,
  });
}

function describeCheck(check: Check, hasOwnTimeout: boolean): DescribedConfig {
  const { question } = check;
  return withoutAbsent<DescribedConfig>({
    id: check.id,
    summary_sql: question.kind === 'postgres' ? question.summarySql : undefined,
    summary_find: question.kind === 'mongodb' ? question.summaryFind : undefined,
    expect: check.expect,
    database: check.database,
    timeout: hasOwnTimeout ? writeDuration(check.timeoutMs) : undefined,
    read_only: check.readOnly,
  });
}

/** A check without a timeout of its own has its source's, which is written there. */
function checksWithTimeout({ checks, sources }: Config): ReadonlySet<string> {
  const unlikeDefault = checks.filter(({ timeoutMs }) => timeoutMs !== DEFAULT_LIMITS.check);
  // One that says the default itself has it also where its source has another.
  const unlikeSource = sources.flatMap((source) =>
    source.limits.check === DEFAULT_LIMITS.check
      ? []
      : checksOf(source).filter(({ timeoutMs }) => timeoutMs === DEFAULT_LIMITS.check),
  );
  return new Set([...unlikeDefault, ...unlikeSource].map(({ id }) => id));
}

function withoutAbsent<T extends DescribedConfig = Described>(record: T): T {
  return Object.fromEntries(Object.entries(record).filter(([, value]) => value !== undefined)) as T;
}
