export { createBubblewrapHost } from './bubblewrap/bubblewrap-host.js';
export { type Detected, detectBubblewrap } from './bubblewrap/detect-bubblewrap.js';
export { chooseHost, type HostRequest, type WantedImage } from './choose-host.js';
export { type DockerFound, detectDocker } from './docker/detect-docker.js';
export { createDockerHost, type DockerHostOptions } from './docker/docker-host.js';
export { type FleetHost, fleetHost } from './fleet-host.js';
export type * from './scratch.js';
export { openSpool, removeSpools, sweepSpools } from './spool.js';
export { formatWorker, livenessOf, thisWorker } from './worker-identity.js';
