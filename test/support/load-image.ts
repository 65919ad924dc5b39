import { execFileSync } from 'node:child_process';
import { IMAGES } from './images.ts';
import type { OwnDaemon } from './own-daemon.ts';

/** Takes the image of PostgreSQL 15 from the tests' daemon into one of a test's own. */
export function loadImage(daemon: OwnDaemon): void {
  const said = execFileSync('sh', ['-c', `docker save ${IMAGES[15]} | docker --host ${daemon.host} load`]);
  if (!said.toString().includes(IMAGES[15])) throw new Error(`not loaded: ${said}`);
}
