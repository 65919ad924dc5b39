import {
  isMusterError,
  judgeObjectives,
  type Look,
  type Measured,
  type MusterError,
  missedObjective,
  type PhaseRecord,
  type Predicate,
  type Source,
  type SourceKind,
} from '@muster/core';
import type { BackupFacts } from '@muster/engines';
import type { ScratchHost } from '@muster/scratch';
import { asMusterError } from './as-muster-error.js';
import { chooseImage } from './choose-image.js';
import type { DrillRequest, LookPorts } from './drill-ports.js';
import { requireFetchable } from './fetch.js';
import { type Located, type LocatedRemote, locate } from './locate.js';
import { missedMessage } from './missed-message.js';
import { createPhases } from './phases.js';
import { placesFor } from './place.js';
import type { Seen } from './seen.js';
import { asTold, backupOf, judgeDrill, newestOf } from './statement.js';

/** What a look was asked with: a plan is made as for a drill, and is written nowhere. */
export type PreflightRequest = Pick<DrillRequest, 'plan' | 'config' | 'source' | 'restorePoint'>;

/** Whoever looks. */
export interface Looker {
  readonly host: string;
  readonly worker?: string;
}

/** What is found on the way. */
interface Found extends Pick<Seen, 'found' | 'listed' | 'newest' | 'listing' | 'facts' | 'globals'> {
  scratch?: Look['scratch'];
  extensions?: Look['extensions'];
  companions?: Look['companions'];
  /** Of a live source, beside its facts. */
  measured?: Pick<BackupFacts, 'extensions'>;
  fault?: MusterError;
  readonly unknown: Look['unknown'][number][];
}

/**
 * Which backup a drill of this plan would take, and whether it would be refused: by the very functions of a drill, up to
 * the launch, within its limits. Nothing is pulled, fetched, launched or written.
 * @throws `cancelled` alone.
 */
export async function preflight(
  ports: LookPorts,
  request: PreflightRequest,
  looker: Looker,
  signal: AbortSignal,
): Promise<Look> {
  const deadline = AbortSignal.timeout(request.source.limits.drill);
  const phases = createPhases({ now: ports.now, observe: () => {}, cancel: signal, deadline });
  const found: Found = { unknown: [] };
  const at = ports.now();
  const { limits } = request.source;
  try {
    const located = await phases.run({ name: 'locate', limitMs: limits.locate }, (stop) =>
      locate(ports, request, found, stop),
    );
    const facts = located.kind === 'remote' ? located.backup.facts : located.facts;
    if (facts !== undefined) found.facts = facts;
    await phases.run({ name: 'fetch', limitMs: limits.fetch }, (stop) =>
      lookAtNeeded(ports, request, located, found, stop),
    );
    if (facts === undefined) found.unknown.push(...UNFETCHED);
    else
      await phases.run({ name: 'launch', limitMs: limits.launch }, (stop) =>
        admit(ports, request, { located, facts: { ...facts, ...found.measured } }, found, stop),
      );
  } catch (error) {
    if (isMusterError(error, 'cancelled')) throw error;
    found.fault = asMusterError(error);
  }
  return lookOf(request, looker, at, found, phases.records);
}

/** What must be on the worker before the launch; and of a live source, how much there is. */
async function lookAtNeeded(
  ports: LookPorts,
  { source }: PreflightRequest,
  located: Located | LocatedRemote,
  found: Found,
  signal: AbortSignal,
): Promise<void> {
  if (located.kind === 'remote') requireFetchable(source, located.artefact);
  let mostBytes = source.scratch.diskBytes;
  for (const { from, to } of source.companions) {
    const place = ports.companion(from);
    const one = { to, location: place.location };
    found.companions = [...(found.companions ?? []), one];
    const { sizeBytes, files, copied } = await place.look({ mostBytes }, signal);
    if (copied) mostBytes -= sizeBytes;
    found.companions = [...found.companions.slice(0, -1), { ...one, size_bytes: sizeBytes, files }];
  }
  if (located.kind === 'live') await measure(ports, source.kind, located, found, signal);
}

/** How long a source may take to say how large it is. */
const MEASURING_MS = 10_000;

async function measure(
  ports: LookPorts,
  kind: SourceKind,
  { uri, live, others }: Extract<Located, { kind: 'live' }>,
  found: Found,
  signal: AbortSignal,
): Promise<void> {
  try {
    const limit = AbortSignal.any([signal, AbortSignal.timeout(MEASURING_MS)]);
    const dumper = ports.liveDumperOf(kind);
    const measured = [];
    for (const one of [live, ...others]) measured.push(await dumper.measure(uri, one, limit));
    const sizes = measured.map(({ sizeBytes }) => sizeBytes);
    const sizeBytes = sizes.reduce(
      (sum, size) => (sum === undefined || size === undefined ? undefined : sum + size),
      0,
    );
    if (found.found !== undefined && sizeBytes !== undefined) found.found = { ...found.found, sizeBytes };
    const extensions = measured.map((one) => one.extensions);
    if (extensions.every((list) => list !== undefined))
      found.measured = { extensions: [...new Set(extensions.flat())] };
  } catch {
    signal.throwIfAborted();
    found.unknown.push({ what: 'size', why: 'The source did not say within 10 s how large it is.' });
  }
}

/** Of a backup whose head is read once it is fetched. */
const UNFETCHED = (['version', 'image', 'extensions'] as const).map((what) => ({
  what,
  why: 'The backup lies elsewhere as several files: a drill fetches them before it looks into them.',
}));

interface Looked {
  readonly located: Located | LocatedRemote;
  readonly facts: BackupFacts;
}

/** As the launch of a drill does up to the cell, but for the pull. @throws what a drill would end with. */
async function admit(
  ports: LookPorts,
  request: PreflightRequest,
  { located, facts }: Looked,
  found: Found,
  signal: AbortSignal,
): Promise<void> {
  if (located.kind !== 'live' && located.older !== undefined && located.older.length > 0)
    found.unknown.push({ what: 'backup', why: MAYBE_OLDER });
  const sizeBytes = located.kind === 'live' ? undefined : located.artefact.sizeBytes;
  const [{ data }] = placesFor(request.source, sizeBytes);
  const engine = ports.engineOf(request.source.kind);
  const needed = engine.fitOf(facts, undefined).extensions;
  if (needed !== undefined) found.extensions = [...needed];
  else found.unknown.push({ what: 'extensions', why: whyNoExtensions({ located, facts }) });
  const { image, host, remedy } = await chooseImage(ports, request, facts.major, signal);
  const inDocker = host.isolation === 'docker';
  const room = await roomOf(host, signal);
  found.scratch = {
    isolation: host.isolation,
    data,
    ...(inDocker && { image, image_here: false }),
    ...(room && { room }),
  };
  if (room === undefined) found.unknown.push({ what: 'room', why: 'The host does not tell what it has.' });
  const base = await host.inspect({ image, probe: engine.probe, remedy }, signal);
  if (base === undefined) {
    const why = `The image ${image} is not here yet, and its registry has it: the first drill pulls it, or docker pull ${image}.`;
    found.unknown.push({ what: 'image', why });
    return;
  }
  const { version, substitute, tool, extensions } = engine.fitOf(facts, base);
  found.scratch = {
    ...found.scratch,
    ...(inDocker && { image_here: true }),
    ...(base.imageDigest && { image_digest: base.imageDigest }),
    ...(version !== undefined && { engine: asTold(substitute ?? version) }),
    ...(substitute !== undefined && { substitute: true as const }),
    ...(tool !== undefined && { tool: asTold(tool) }),
  };
  if (extensions !== undefined) found.extensions = [...extensions];
  engine.admit(facts, base);
}

const MAYBE_OLDER =
  'Only the replay of WAL tells whether what is asked for lies behind this set: else a drill takes an older one.';

function whyNoExtensions({ located, facts: { format } }: Looked): string {
  if (located.kind === 'live') return 'A live dump tells them when it flows.';
  return `A backup of the format ${format} does not tell them at its head.`;
}

/** For people: that it is not known keeps no drill back. */
async function roomOf(host: ScratchHost, signal: AbortSignal) {
  try {
    const { memoryBytes, memoryFreeBytes, diskFreeBytes, pids } = await host.capacity(signal);
    return {
      memory_bytes: memoryBytes,
      ...(memoryFreeBytes !== undefined && { memory_free_bytes: memoryFreeBytes }),
      ...(diskFreeBytes !== undefined && { disk_free_bytes: diskFreeBytes }),
      ...(pids !== undefined && { pids }),
    };
  } catch (error) {
    if (signal.aborted || !isMusterError(error)) throw error;
    return undefined;
  }
}

function lookOf(
  { plan, source }: PreflightRequest,
  looker: Looker,
  at: Date,
  found: Found,
  phases: readonly PhaseRecord[],
): Look {
  const chosen = found.found && backupOf(found, found.found);
  const measured = { phases: [...phases], ...(chosen && { backup: chosen }), ...newestOf(found) };
  const { newest_backup: newest } = measured;
  const objectives = plan.objectives && judgeObjectives(plan.objectives, measured);
  const judged = judgementOf(found.fault, source, { ...measured, ...(objectives && { objectives }) });
  const ageOf = (time: string): number => Math.max(0, at.getTime() - Date.parse(time)) / 1000;
  return {
    at: at.toISOString(),
    ...looker,
    ...judged,
    restore_point: {
      ...plan.restore_point,
      ...(found.listed !== undefined && { listed: found.listed }),
      ...(found.listing && { drawn: true as const }),
    },
    ...(chosen && { backup: { ...chosen, ...(chosen.created_at && { age_s: ageOf(chosen.created_at) }) } }),
    ...(newest && { newest_backup: { ...newest, age_s: ageOf(newest.created_at) } }),
    ...(objectives && { objectives }),
    ...(found.companions && { companions: found.companions }),
    ...(found.scratch && { scratch: found.scratch }),
    ...(found.extensions && { extensions: [...found.extensions] }),
    unknown: found.unknown,
  };
}

/** As a drill is judged, of what is known by now. */
function judgementOf(
  fault: MusterError | undefined,
  source: Source,
  measured: Measured & Pick<Predicate, 'objectives'>,
): Pick<Look, 'outcome' | 'reason' | 'message'> {
  if (fault !== undefined) {
    const { result, reason } = judgeDrill({ checks: [], fault }, source);
    return {
      outcome: result === 'fail' ? 'fail' : 'error',
      ...(reason && { reason }),
      message: fault.message,
    };
  }
  const reason = missedObjective(measured.objectives);
  if (reason === undefined) return { outcome: 'run' };
  return { outcome: 'fail', reason, message: missedMessage({ ...measured, reason }) };
}
