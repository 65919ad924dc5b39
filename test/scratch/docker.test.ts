import { describe } from 'vitest';
import { hasImage, hasLayouts, IMAGES, postgresUser } from '../support/images.js';
import { requirement } from '../support/requirement.js';
import { reachContract, type Subject, scratchContract } from './contract.js';
import { makeBridgedHost, makeHost } from './docker-maker.js';

const module = new URL('./docker-maker.ts', import.meta.url).href;

const stands = requirement('docker', hasImage(IMAGES[15]), `no Docker with the image ${IMAGES[15]} answers`);
describe.runIf(stands)('Docker', () => {
  const debian: Subject = {
    module,
    image: IMAGES[15],
    user: stands ? postgresUser(IMAGES[15]) : '',
    binDir: '/usr/lib/postgresql/15/bin',
  };
  scratchContract('docker', makeHost, debian);
  reachContract('docker, bridged', makeBridgedHost, debian);
});

const layouts = requirement(
  'docker-layouts',
  hasLayouts,
  'the stand-ins for the official images could not be made',
);
describe.runIf(layouts)('Docker with the layouts of the official images', () => {
  const official = { module, image: IMAGES.official, user: '999:999', binDir: '/usr/lib/postgresql/17/bin' };
  const alpine = { module, image: IMAGES.alpine, user: '70:70', binDir: '/usr/local/bin' };
  reachContract('docker, official layout', makeHost, official);
  reachContract('docker, official layout, bridged', makeBridgedHost, official);
  reachContract('docker, Alpine layout', makeHost, alpine);
  reachContract('docker, Alpine layout, bridged', makeBridgedHost, alpine);
});
