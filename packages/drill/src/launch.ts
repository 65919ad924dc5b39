import { MusterError, type Source } from '@muster/core';
import { BACKUP_MOUNT, type BackupFacts, type Server } from '@muster/engines';
import type { Base, KeepRequest, LaunchSpec, Scratch, ScratchHost } from '@muster/scratch';
import { chooseImage } from './choose-image.js';
import type { DrillPorts, DrillRequest } from './drill-ports.js';
import type { LocatedFile } from './locate.js';
import type { Phases } from './phases.js';
import { isKept, type Place } from './place.js';
import { requireShown } from './require-shown.js';

/** How long a scratch may outlive its drill's own limit before a sweep on any host may take it. */
const GRACE_MS = 15 * 60_000;

/** A running server in its scratch. Whoever holds it calls `scratch.destroy()`. */
export interface Launched {
  readonly host: ScratchHost;
  readonly base: Base;
  readonly scratch: Scratch;
  readonly server: Server;
  /** The scratch's own end, as the error that the drill ends with. */
  readonly lost: Promise<MusterError>;
}

/** What a server is launched for: facts, and a file to be shown to it or none. */
type ToLaunch =
  | Pick<LocatedFile, 'kind' | 'artefact' | 'facts' | 'location'>
  | { readonly kind: 'live' | 'nothing'; readonly facts: BackupFacts; readonly location: string };

/** The phase `launch`: image, admission, cell, server. Whatever fails, nothing is left running. */
export async function launch(
  ports: DrillPorts,
  request: DrillRequest,
  located: ToLaunch,
  place: Place,
  companions: LaunchSpec['mounts'],
  signal: AbortSignal,
): Promise<Launched> {
  const engine = ports.engineOf(request.source.kind);
  const { image, host, remedy } = await chooseImage(ports, request, located.facts.major, signal);
  const onPull = (pull: { bytes: number; totalBytes: number }) =>
    ports.observe({ type: 'progress', phase: 'launch', what: 'pull', ...pull });
  const base = await host.prepare({ image, probe: engine.probe, remedy, onPull }, signal);
  const { user } = engine.admit(located.facts, base);
  const backup =
    located.kind === 'file' && located.artefact.form !== 'flow'
      ? [{ hostPath: located.artefact.path, path: BACKUP_MOUNT }]
      : [];
  const mounts = [...backup, ...companions];
  const lifeMs = request.source.limits.drill + (request.keepMs ?? 0) + GRACE_MS;
  const expiresAt = new Date(ports.now().getTime() + lifeMs);
  const keep = isKept(request.source) && keptFor(request, located);
  const spec = { drillId: request.plan.drill_id, expiresAt, user, mounts, ...(keep && { keep }), ...place };
  const scratch = await host.launch(base, spec, signal);
  try {
    await requireShown(scratch, companions, request.source, signal);
    const server = await engine.start(scratch, base, located.facts, signal, request.archives);
    return { host, base, scratch, server, lost: lossOf(scratch) };
  } catch (error) {
    const loss = await scratch.diagnose();
    await scratch.destroy();
    throw loss ? lossError(loss.reason, request.source, error) : error;
  }
}

/** What the drills of one source restore from one stanza, over one another as long as it is one cluster. */
const keptFor = ({ source }: DrillRequest, { location, facts }: ToLaunch): KeepRequest => ({
  key: `${source.slug} ${location.slice(0, location.lastIndexOf('/'))}`,
  form: facts.cluster ?? '',
});

function lossOf(scratch: Scratch): Promise<MusterError> {
  return scratch.lost.then(
    (loss) => new MusterError(loss.reason, ADVICE[loss.reason], { output: loss.detail }),
  );
}

/** The loss as an error, with what to do about it. */
export function lossError(reason: keyof typeof ADVICE, source: Source, cause: unknown): MusterError {
  return new MusterError(reason, `${ADVICE[reason]} (source "${source.slug}")`, { cause });
}

/**
 * A server that ran out of something fails in many words, or is just gone: what the scratch knows of it comes first.
 * `stop`: what was stopped needs no explanation.
 */
export async function explain(
  { scratch }: Pick<Launched, 'scratch'>,
  source: Source,
  error: unknown,
  stop: AbortSignal,
): Promise<never> {
  const loss = stop.aborted ? undefined : await scratch.diagnose();
  throw loss === undefined ? error : lossError(loss.reason, source, error);
}

const ADVICE = {
  scratch_disk_full: 'The scratch ran out of disk: raise scratch.disk of the source.',
  scratch_out_of_memory: 'The scratch ran out of memory: raise scratch.memory of the source.',
  scratch_lost:
    'The scratch stopped in the middle: see whether Docker or the host was restarted, then drill again.',
} as const;

/** The phase `destroy`. */
export function destroy(launched: Launched, phases: Phases): Promise<void> {
  return phases.finish('destroy', () => launched.scratch.destroy());
}
