import { existsSync } from 'node:fs';
import { detectBubblewrap } from '@muster/scratch';
import { describe } from 'vitest';
import { findProgram } from './find-program.ts';
import { hasImage, IMAGES } from './images.js';
import { requirement } from './requirement.js';

const bubblewrap = await detectBubblewrap(AbortSignal.timeout(30_000));

/** What these tests stand on, asked once a file; what is missing is printed, or a failure where it is required. */
const there = {
  docker: requirement(
    'docker',
    hasImage(IMAGES[15]) && hasImage(IMAGES[17]),
    `no Docker answers that has the images ${IMAGES[15]} and ${IMAGES[17]}`,
  ),
  bubblewrap: requirement(
    'bubblewrap',
    bubblewrap.available,
    bubblewrap.available ? '' : `${bubblewrap.why}; ${bubblewrap.remedy}`,
  ),
  postgresql: requirement(
    'postgresql-15',
    existsSync('/usr/lib/postgresql/15/bin/initdb'),
    'the programs of PostgreSQL 15 are not in /usr/lib/postgresql/15 (apt-get install postgresql-15)',
  ),
};

/** Whether tests can run in a place such as `docker`, `docker 17` or `bubblewrap 15`; all need dumps to be made. */
export function canRunIn(place: string): boolean {
  return there.postgresql && (place.startsWith('docker') ? there.docker : there.bubblewrap);
}

/**
 * Whether tests can run a server for MongoDB, or what stands in for one, in such scratches. Asked, and told, only by files
 * that need one.
 */
export const canRunMongo = (isolation: 'docker' | 'bubblewrap'): boolean =>
  isolation === 'docker'
    ? requirement(
        'mongo',
        () => hasImage(IMAGES.mongo),
        `no Docker answers that has the image ${IMAGES.mongo} (npm test makes it: as root, with Go and debootstrap)`,
      )
    : there.bubblewrap &&
      requirement(
        'mongo-bubblewrap',
        () => ['/usr/local/bin/mongod', '/usr/bin/mongod'].some((path) => existsSync(path)),
        'this machine has no mongod (as root, npm test puts a stand-in into /usr/local/bin for as long as it runs)',
      );

/** Whether mongorestore can run beside a server of this machine. */
export const hasMongorestore = (): boolean =>
  canRunMongo('bubblewrap') &&
  requirement(
    'mongorestore',
    () => findProgram('mongorestore') !== undefined,
    'there is no mongorestore on the PATH (MongoDB Database Tools)',
  );

/** The version of PostgreSQL in a place such as `docker 17`. */
export const majorOf = (place: string): 15 | 17 => (place.includes('17') ? 17 : 15);

/** The same tests in each place where they can run; skipped in the others. `%s` in the title is the place. */
export function describeIn<Place extends string>(
  places: readonly Place[],
  title: string,
  tests: (place: Place) => void,
): void {
  for (const place of places) describe.runIf(canRunIn(place))(title.replace('%s', place), () => tests(place));
}
