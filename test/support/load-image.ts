import { execFileSync } from 'node:child_process';
import { IMAGES } from './images.ts';
import type { OwnDaemon } from './own-daemon.ts';

/** Takes an image, else that of PostgreSQL 15, from the tests' daemon into one of a test's own. */
export function loadImage(daemon: OwnDaemon, image: string = IMAGES[15]): void {
  const said = execFileSync('sh', ['-c', `docker save ${image} | docker --host ${daemon.host} load`]);
  if (!said.toString().includes(image)) throw new Error(`not loaded: ${said}`);
}
