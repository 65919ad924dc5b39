import { lstatSync, readdirSync, readlinkSync } from 'node:fs';
import { dirname } from 'node:path';

/** Options of bubblewrap, before and after what is then bound read-only. */
export interface Openings {
  readonly open: readonly string[];
  readonly close: readonly string[];
}

/** Of an opened directory, which holds nothing but mount points. */
const SIZE_BYTES = 1024 * 1024;

/**
 * Room below `/usr`, which is this machine's own and read-only, for places that are not there: the directory that is to
 * hold one is shown anew, with all that is in it, on a tmpfs where a mount point can be made. Nothing is made on this
 * machine.
 */
export function openings(places: readonly string[]): Openings {
  const holders = new Set(
    places
      .filter((place) => place.startsWith('/usr/') && !isThere(place))
      .map((place) => holderOf(place))
      // Those of others first: what is in them is shown before it is shown anew.
      .toSorted((a, b) => a.length - b.length),
  );
  return {
    open: [...holders].flatMap((holder) => [
      ...['--perms', '0755', '--size', `${SIZE_BYTES}`, '--tmpfs', holder],
      ...readdirSync(holder, { withFileTypes: true }).flatMap((entry) => {
        const path = `${holder}/${entry.name}`;
        return entry.isSymbolicLink() ? ['--symlink', readlinkSync(path), path] : ['--ro-bind', path, path];
      }),
    ]),
    close: [...holders].flatMap((holder) => ['--remount-ro', holder]),
  };
}

const isThere = (path: string): boolean => lstatSync(path, { throwIfNoEntry: false }) !== undefined;

function holderOf(place: string): string {
  const holder = dirname(place);
  return isThere(holder) ? holder : holderOf(holder);
}
