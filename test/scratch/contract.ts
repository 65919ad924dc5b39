import { cageContract } from './contract/cage.js';
import { keptContract } from './contract/kept.js';
import { lifeContract } from './contract/life.js';
import { limitsContract } from './contract/limits.js';
import { networkedContract } from './contract/networked.js';
import { processesContract } from './contract/processes.js';
import { reachContract } from './contract/reach.js';
import type { MakeHost, Subject } from './contract/subject.js';

export { lifeContract } from './contract/life.js';
export { limitsContract } from './contract/limits.js';
export { processesContract } from './contract/processes.js';
export { reachContract } from './contract/reach.js';
export type { MakeHost, Subject } from './contract/subject.js';

/** What every isolation must hold, tried on a real one from the inside and from the outside. */
export function scratchContract(name: string, makeHost: MakeHost, subject: Subject): void {
  processesContract(name, makeHost, subject);
  cageContract(name, makeHost, subject);
  limitsContract(name, makeHost, subject);
  lifeContract(name, makeHost, subject);
  reachContract(name, makeHost, subject);
  keptContract(name, makeHost, subject);
  networkedContract(name, makeHost, subject);
}
