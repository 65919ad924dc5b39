import { formatWorker, isProvenDead, parseWorker, type WorkerIdentity } from './worker-identity.js';

/** What everything that Muster makes carries: in Docker as labels, beside a socket directory as a file. */
export interface Ownership {
  /** Drill id; `-` for what belongs to no drill (a probe, a live dump). */
  readonly drill: string;
  readonly worker: WorkerIdentity;
  readonly expiresAt: Date;
  /** Of data that outlives its worker: its `keptLabel`. */
  readonly kept?: string;
}

const LABEL_DRILL = 'muster.drill';
export const LABEL_WORKER = 'muster.worker';
const LABEL_EXPIRES = 'muster.expires';
const LABEL_KEPT = 'muster.kept';

export function toLabels(owner: Ownership): Readonly<Record<string, string>> {
  return {
    [LABEL_DRILL]: owner.drill,
    [LABEL_WORKER]: formatWorker(owner.worker),
    [LABEL_EXPIRES]: owner.expiresAt.toISOString(),
    ...(owner.kept !== undefined && { [LABEL_KEPT]: owner.kept }),
  };
}

/** Undefined unless the three labels that all have are there and well formed: what is not surely ours is nobody's to sweep. */
export function fromLabels(labels: Readonly<Record<string, string | undefined>>): Ownership | undefined {
  const drill = labels[LABEL_DRILL];
  const worker = parseWorker(labels[LABEL_WORKER] ?? '');
  const expiresAt = new Date(labels[LABEL_EXPIRES] ?? '');
  if (drill === undefined || worker === undefined || Number.isNaN(expiresAt.getTime())) return undefined;
  const kept = labels[LABEL_KEPT];
  return { drill, worker, expiresAt, ...(kept !== undefined && { kept }) };
}

/** Which of Muster's own things a sweep takes. */
export type Wanted = (owner: Ownership) => boolean;

/** All that one drill made, whichever worker made it. */
export const madeFor =
  (drillId: string): Wanted =>
  (owner) =>
    owner.drill === drillId;

/** True if nobody needs it any more: it is expired, or its worker on this machine is proven dead. */
export const isAbandoned = (owner: Ownership, now = new Date()): boolean =>
  owner.expiresAt.getTime() <= now.getTime() || isProvenDead(owner.worker);
