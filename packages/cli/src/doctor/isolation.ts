import type { IsolationChoice } from '@muster/core';
import { type Engine, postgresEngine } from '@muster/engines';
import {
  type Base,
  createBubblewrapHost,
  type DockerFound,
  detectBubblewrap,
  detectDocker,
} from '@muster/scratch';
import type { Environment } from '../environment.js';
import { installCommands, type Platform } from '../install-advice.js';
import { asMusterError } from '../problem.js';
import { hostOptions } from '../wiring.js';
import type { Finding } from './finding.js';

/** Where scratches can run on this machine. */
export interface Isolation {
  readonly docker: DockerFound | undefined;

  readonly findings: readonly Finding[];
}

/** Looks at each isolation that the configuration lets a drill take. One that works is enough. */
export async function examineIsolation(
  environment: Environment,
  kind: IsolationChoice,
  platform: Platform,
  signal: AbortSignal,
): Promise<Isolation> {
  const wantsDocker = kind !== 'bubblewrap';
  const wantsBubblewrap = kind === 'auto' || kind === 'bubblewrap';
  const docker = wantsDocker ? await detectDocker(environment.env, signal) : undefined;
  const cage = wantsBubblewrap ? await detectBubblewrap(signal) : undefined;
  const host = cage?.available ? await lookAtHost(environment, signal) : undefined;
  const works = docker?.available === true || host?.base !== undefined;
  const missing = works ? 'absent' : 'fault';

  const findings: Finding[] = [];
  if (docker !== undefined)
    findings.push(
      docker.available
        ? { subject: 'docker', outcome: 'ok', detail: `${docker.version} at ${docker.address}` }
        : {
            subject: 'docker',
            outcome: missing,
            detail: docker.reason,
            install: works ? [] : installCommands('docker', platform),
          },
    );
  if (cage !== undefined)
    findings.push(
      cage.available
        ? { subject: 'bubblewrap', outcome: 'ok', detail: 'makes cells here' }
        : {
            subject: 'bubblewrap',
            outcome: missing,
            detail: `${cage.why}: ${cage.remedy}`,
            install: works ? [] : installCommands('bubblewrap', platform),
          },
    );
  if (host !== undefined)
    findings.push(
      host.base === undefined
        ? {
            subject: 'postgresql',
            outcome: missing,
            detail: host.why,
            install: works ? [] : installCommands('postgresql', platform),
          }
        : { subject: 'postgresql', outcome: 'ok', detail: `up to ${host.newest} on this machine` },
    );
  return { docker, findings };
}

type HostServers =
  | { readonly base: Base; readonly newest: number }
  | { readonly base?: undefined; readonly why: string };

async function lookAtHost(environment: Environment, signal: AbortSignal): Promise<HostServers> {
  try {
    const host = createBubblewrapHost(hostOptions(environment));
    const base = await host.prepare({ image: '', probe: postgresEngine.probe }, signal);
    postgresEngine.admit(ofMajor(OLDEST_MAJOR), base);
    return { base, newest: newestMajor(postgresEngine, base) };
  } catch (thrown) {
    return { why: asMusterError(thrown).message };
  }
}

const OLDEST_MAJOR = 8;
const FUTURE_MAJOR = 40;

/** The newest version that an engine would admit, asked as a drill asks. */
function newestMajor(engine: Engine, base: Base): number {
  for (let major = FUTURE_MAJOR; major > OLDEST_MAJOR; major -= 1) {
    try {
      engine.admit(ofMajor(major), base);
      return major;
    } catch {
      // Not that one.
    }
  }
  return OLDEST_MAJOR;
}

const ofMajor = (major: number) => ({ format: '', major, databases: [] });
