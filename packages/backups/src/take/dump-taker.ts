import {
  type BackupRecord,
  type DumpConfig,
  type FidelityManifest,
  MusterError,
  type SecretRef,
  type Source,
  type SourceKind,
  type Take,
} from '@muster/core';
import type { DumpOptions, Engine, LiveDumper, LiveFacts, StreamArtefact } from '@muster/engines';
import { recordBytes } from '../record-bytes.js';
import { encrypted, readAgeRecipients } from './age-encrypt.js';
import { causeOf, examinedFlow } from './examined-flow.js';
import { holdPlace } from './hold-place.js';
import { createTakePhases, type TakePhases } from './phases.js';
import type { TakeBackup, Taken, TakeRequest } from './take.js';
import { takeFault } from './take-fault.js';
import { isTakeName, requireListed, type TakeNaming, takeName, takeNames } from './take-names.js';
import type { TakePlace, TakeSlot } from './take-place.js';

/** What takes of dumps need from outside. */
export interface DumpTakerPorts {
  readonly engineOf: (kind: SourceKind) => Engine;
  readonly dumperOf: (kind: SourceKind) => LiveDumper;
  /** With this machine's own tools, or else on a host. */
  readonly openDump: (
    source: Source,
    uri: string,
    facts: LiveFacts,
    options: DumpOptions,
    signal: AbortSignal,
  ) => Promise<StreamArtefact>;
  readonly placeFor: (backup: DumpConfig) => TakePlace;
  readonly resolveSecret: (ref: SecretRef) => Promise<string>;
  /** This process, as {@link Liveness} reads it. */
  readonly worker: string;
  readonly now: () => Date;
  readonly musterVersion: string;
}

/** {@link TakeBackup} of sources whose backups are dumps. */
export function createDumpTaker(ports: DumpTakerPorts): TakeBackup {
  return async (request, { onProgress, onOutput }, signal) => {
    const { source } = request;
    const { backup, take } = dumpsOf(source);
    const place = ports.placeFor(backup);
    const owner = { takeId: request.takeId, worker: ports.worker };
    const onWait = () => onProgress({ phase: 'wait' });
    const held = request.isAlone
      ? undefined
      : await holdPlace({ place, slug: source.slug, owner, take, onWait }, signal);
    const cancel = held === undefined ? signal : AbortSignal.any([signal, held.lost]);
    const phases = createTakePhases(take.limitMs, onProgress, cancel);
    try {
      const taken = await takeDump(ports, { ...request, backup, take, place }, phases);
      return { ...taken, swept: [...(held?.swept ?? []), ...taken.swept] };
    } catch (error) {
      throw takeFault(phases.explain(error), onOutput);
    } finally {
      await held?.close();
    }
  };
}

interface Asked extends TakeRequest {
  readonly backup: DumpConfig;
  readonly take: Take;
  readonly place: TakePlace;
}

function dumpsOf({ slug, backup, take }: Source): Pick<Asked, 'backup' | 'take'> {
  if (backup.type === 'dump' && take !== undefined) return { backup, take };
  throw new MusterError(
    'config_invalid',
    take === undefined
      ? `The source "${slug}" has no take: say there how its backups are taken (take: {} is enough).`
      : `The backups of the source "${slug}" are no dumps.`,
  );
}

async function takeDump(ports: DumpTakerPorts, asked: Asked, phases: TakePhases): Promise<Taken> {
  const { takeId, place } = asked;
  const { signal } = phases;
  phases.enter('survey');
  const surveyed = await surveySource(ports, asked, signal);
  const naming = namingOf(asked, surveyed.facts);
  requireListed(takeName(naming, ports.now()), asked.backup.match);
  requirePossible(asked, surveyed);
  phases.enter('sweep');
  const swept = await place.sweep(signal);
  const expectedBytes = await newestSize(place, naming, signal);
  const slot = await place.open(takeNames(naming, ports.now()), { takeId, worker: ports.worker }, signal);
  try {
    const startedAt = ports.now();
    const written = await phases.race(dumpInto(ports, asked, surveyed, slot, { phases, expectedBytes }));
    phases.enter('publish');
    const endedAt = ports.now();
    const record = recordOf(ports, asked, surveyed.facts, slot, written, { startedAt, endedAt });
    await slot.publish(recordBytes(record), signal);
    const { sizeBytes } = written;
    return { backupId: slot.name, location: slot.location, sizeBytes, startedAt, endedAt, record, swept };
  } finally {
    await slot.close();
  }
}

interface Surveyed {
  readonly uri: string;
  readonly facts: LiveFacts;
  readonly sourceBytes?: number | undefined;
  readonly encrypt?: ReturnType<typeof readAgeRecipients>;
}

/** How long a source may take to say how large it is. */
const MEASURING_MS = 10_000;

async function surveySource(
  ports: DumpTakerPorts,
  { source, take }: Asked,
  signal: AbortSignal,
): Promise<Surveyed> {
  const { connection, kind, slug, database } = source;
  if (connection === undefined)
    throw new MusterError('config_invalid', `The source "${slug}" has no connection to dump it through.`);
  const uri = await ports.resolveSecret(connection.uri);
  const encrypt = take.encrypt && readAgeRecipients(await ports.resolveSecret(take.encrypt.age));
  const dumper = ports.dumperOf(kind);
  const facts = await dumper.survey(uri, signal, kind === 'postgres' ? database : undefined);
  const limit = AbortSignal.any([signal, AbortSignal.timeout(MEASURING_MS)]);
  const sourceBytes = await dumper.measure(uri, facts, limit).then(
    ({ sizeBytes }) => sizeBytes,
    () => undefined,
  );
  signal.throwIfAborted();
  return { uri, facts, sourceBytes, ...(encrypt && { encrypt }) };
}

const isDirectoryDump = ({ source, take }: Asked): boolean =>
  source.kind === 'postgres' && take.format === 'directory';

const namingOf = (asked: Asked, { database }: LiveFacts): TakeNaming => ({
  database: database ?? asked.source.slug,
  extension: asked.source.kind === 'mongodb' ? '.archive.gz' : isDirectoryDump(asked) ? '.dir' : '.dump',
  encrypted: asked.take.encrypt !== undefined,
});

/** Before anything is asked of the source for long. */
function requirePossible(asked: Asked, { encrypt }: Surveyed): void {
  if (!isDirectoryDump(asked)) return;
  const why =
    encrypt !== undefined
      ? 'a dump of several files is not encrypted: leave out take.encrypt'
      : asked.backup.place.type === 's3'
        ? 'object storage cannot make several objects visible at once: keep such dumps in a directory'
        : undefined;
  if (why === undefined) return;
  throw new MusterError(
    'config_invalid',
    `The source "${asked.source.slug}" has take.format: directory, and ${why}, or take them with format: custom.`,
  );
}

/** What a backup taken now may come to: as much as the last one. */
async function newestSize(
  place: TakePlace,
  naming: TakeNaming,
  signal: AbortSignal,
): Promise<number | undefined> {
  const newest = (await place.names(signal))
    .filter((name) => isTakeName(naming, name))
    .toSorted()
    .at(-1);
  return newest === undefined ? undefined : await place.sizeOf(newest, signal);
}

interface Dumped {
  readonly sha256: BackupRecord['backup']['sha256'];
  readonly sizeBytes: number;
  readonly format: string;
  readonly toolVersion?: string | undefined;
  readonly serverVersion?: string | undefined;
  readonly fidelity?: FidelityManifest;
}

interface Watching {
  readonly phases: TakePhases;
  readonly expectedBytes: number | undefined;
}

async function dumpInto(
  ports: DumpTakerPorts,
  asked: Asked,
  surveyed: Surveyed,
  slot: TakeSlot,
  watching: Watching,
): Promise<Dumped> {
  const { signal } = watching.phases;
  const { uri, facts } = surveyed;
  watching.phases.enter('dump');
  const { level = 'counts', ...asking } = asked.source.fidelity;
  const held =
    level === 'off' ? undefined : await ports.dumperOf(asked.source.kind).openSnapshot(uri, facts, signal);
  try {
    const dumping = isDirectoryDump(asked)
      ? dumpDirectory(ports, asked, surveyed, slot, held?.id, watching)
      : dumpFile(ports, asked, surveyed, slot, held?.id, watching);
    if (held === undefined || level === 'off') return await dumping;
    // At the same time as the dump: a moment that is held for long costs its source.
    const recording = held.record({ ...asking, level }, dumping, signal);
    recording.catch(() => undefined);
    return { ...(await dumping), fidelity: await recording };
  } finally {
    await held?.close();
  }
}

async function dumpFile(
  ports: DumpTakerPorts,
  { source }: Asked,
  { uri, facts, sourceBytes, encrypt }: Surveyed,
  slot: TakeSlot,
  snapshot: string | undefined,
  { phases, expectedBytes }: Watching,
): Promise<Dumped> {
  const { signal } = phases;
  const options = { compress: true, ...(snapshot !== undefined && { snapshot }) };
  const artefact = await ports.openDump(source, uri, facts, options, signal);
  const engine = ports.engineOf(source.kind);
  const flow = await examinedFlow(engine, slot.name, artefact.open(signal), signal);
  try {
    const bytes = encrypt === undefined ? flow.bytes : encrypted(flow.bytes, encrypt);
    const onBytes = (count: number): void => phases.tell(count, expectedBytes);
    const writing = slot.write(bytes, { onBytes, sourceBytes }, signal).catch((error: unknown) => {
      // What nobody writes need not be examined.
      flow.close();
      throw error;
    });
    const [written, examined] = await Promise.allSettled([writing, flow.ended()]);
    if (written.status === 'rejected') throw written.reason;
    if (examined.status === 'rejected') throw causeOf([examined.reason]);
    if (examined.value !== undefined) throw examined.value;
    const { format, toolVersion, serverVersion } = flow.facts;
    return {
      ...written.value,
      format: encrypt === undefined ? format : `${format}+age`,
      toolVersion,
      serverVersion: serverVersion ?? facts.serverVersion,
    };
  } finally {
    flow.close();
  }
}

/** How often it is looked how much several processes have written. */
const LOOK_MS = 1_000;

async function dumpDirectory(
  ports: DumpTakerPorts,
  { source, take }: Asked,
  { uri, facts }: Surveyed,
  slot: TakeSlot,
  snapshot: string | undefined,
  { phases }: Watching,
): Promise<Dumped> {
  const { signal } = phases;
  const { dumpDirectory: dump } = ports.dumperOf(source.kind);
  const { makeDirectory, settle } = slot;
  if (dump === undefined || makeDirectory === undefined || settle === undefined)
    throw new MusterError('internal', 'A dump of several files was asked for where there can be none.');
  const options = { jobs: take.jobs, ...(snapshot !== undefined && { snapshot }) };
  const directory = await makeDirectory();
  await phases.watched(directory, LOOK_MS, () => dump(uri, facts, directory, options, signal));
  phases.enter('examine');
  await settle(signal);
  const engine = ports.engineOf(source.kind);
  const artefact = { form: 'directory', name: slot.name, path: directory, sizeBytes: 0 } as const;
  const found = await engine.identify(artefact, signal);
  const { sha256, sizeBytes, fault } = await engine.examine(
    artefact,
    found,
    { onBytes: (bytes) => phases.tell(bytes) },
    signal,
  );
  if (fault !== undefined) throw fault;
  const { format, toolVersion, serverVersion } = found;
  return { sha256, sizeBytes, format, toolVersion, serverVersion };
}

function recordOf(
  { musterVersion }: DumpTakerPorts,
  { takeId, source, trigger }: Asked,
  facts: LiveFacts,
  slot: TakeSlot,
  written: Dumped,
  { startedAt, endedAt }: { readonly startedAt: Date; readonly endedAt: Date },
): BackupRecord {
  const { sha256, sizeBytes, format, toolVersion, fidelity } = written;
  return {
    type: 'urn:muster:backup:v1',
    source: { slug: source.slug, kind: source.kind },
    backup: {
      id: slot.name,
      sha256,
      size_bytes: sizeBytes,
      format,
      ...(toolVersion !== undefined && { tool_version: toolVersion.slice(0, 64) }),
      server_version: (written.serverVersion ?? facts.serverVersion).slice(0, 64),
    },
    take: {
      id: takeId,
      trigger,
      started_at: startedAt.toISOString(),
      ended_at: endedAt.toISOString(),
      muster_version: musterVersion,
    },
    ...(fidelity && { fidelity }),
  };
}
