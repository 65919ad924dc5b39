import { randomBytes } from 'node:crypto';
import { type KeptPlace, keptData, keptLabel, keptOwner, readKeptLabel } from '../kept-data.js';
import { fromLabels, LABEL_WORKER } from '../labels.js';
import type { KeptData, KeptState } from '../scratch.js';
import { type Daemon, silent } from './daemon.js';

/**
 * The volume of data that is to be kept. The container that uses it has its name, and names are unique among containers:
 * so one cell has it at a time, and whoever dies gives it back.
 */
export interface KeptVolume {
  readonly name: string;
  /** What its labels say if this launch makes it. */
  readonly owner: ReturnType<typeof keptOwner>;
}

/** Undefined where what has that name is in use or not Muster's own. */
export async function wantVolume(
  daemon: Daemon,
  place: KeptPlace,
  now = new Date(),
): Promise<KeptVolume | undefined> {
  const name = `muster-kept-${place.id}`;
  const labels = await daemon.volumeLabels(name);
  if (labels !== undefined) {
    const found = fromLabels(labels);
    if (found?.kept === undefined) return undefined;
    const isUsable = readKeptLabel(found.kept).form === place.form && found.expiresAt > now;
    if (!isUsable && !(await removeVolume(daemon, name))) return undefined;
  }
  return { name, owner: keptOwner(keptLabel(place, randomBytes(6).toString('hex')), now) };
}

/** Another launch came between, and what it left is of another form. */
export class KeptInUse extends Error {}

/** Of a volume that a cell has: whether this launch has made it. @throws KeptInUse */
export async function stateOf(
  daemon: Daemon,
  { name, owner }: KeptVolume,
): Promise<Exclude<KeptState, 'throwaway'>> {
  const found = fromLabels((await daemon.volumeLabels(name)) ?? {})?.kept;
  if (found === owner.kept) return 'new';
  if (found !== undefined && readKeptLabel(found).form === readKeptLabel(owner.kept).form) return 'kept';
  throw new KeptInUse();
}

/** Every volume that is kept on a daemon. */
export async function listVolumes(daemon: Daemon): Promise<readonly KeptData[]> {
  const { volumes } = await daemon
    .labelled(LABEL_WORKER)
    .catch((cause: unknown) => Promise.reject(silent(cause)));
  return volumes.flatMap(({ name, labels }) => keptData(name, fromLabels(labels)) ?? []);
}

/** False where a cell has it. */
export const removeVolume = (daemon: Daemon, name: string): Promise<boolean> =>
  daemon.removeVolume(name).then(
    () => true,
    () => false,
  );
