import type { IsolationChoice, SourceKind } from '@muster/core';
import { type Engine, engineOf } from '@muster/engines';
import {
  type Base,
  createBubblewrapHost,
  createDockerHost,
  detectBubblewrap,
  detectDocker,
  type ScratchHost,
} from '@muster/scratch';
import type { Environment } from '../environment.js';
import { installCommands, type Platform } from '../install-advice.js';
import { asMusterError } from '../problem.js';
import { printable } from '../terminal/printable.js';
import { hostOptions } from '../wiring.js';
import type { Finding } from './finding.js';

/**
 * Looks at each isolation that the configuration lets a drill take. One that works is enough: Docker, or bubblewrap with
 * a server on this machine for each of `kinds`.
 */
export async function examineIsolation(
  environment: Environment,
  kind: IsolationChoice,
  kinds: ReadonlySet<SourceKind>,
  platform: Platform,
  signal: AbortSignal,
): Promise<readonly Finding[]> {
  const wantsDocker = kind !== 'bubblewrap';
  const wantsBubblewrap = kind === 'auto' || kind === 'bubblewrap';
  const docker = wantsDocker ? await detectDocker(environment.env, signal) : undefined;
  const cage = wantsBubblewrap ? await detectBubblewrap(signal) : undefined;
  const servers = cage?.available
    ? await Promise.all([...kinds].map((engine) => lookAtHost(environment, engine, signal)))
    : undefined;
  const works = docker?.available === true || servers?.every(({ why }) => why === undefined) === true;
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
  for (const { engine, ...found } of servers ?? []) {
    const subject = SUBJECTS[engine];
    const install = works ? [] : engine === 'postgres' ? installCommands('postgresql', platform) : [];
    findings.push(
      found.why === undefined
        ? { subject, outcome: 'ok', detail: found.detail }
        : { subject, outcome: missing, detail: found.why, install },
    );
  }
  const hosts = [
    ...(docker?.available ? [createDockerHost({ ...hostOptions(environment), env: environment.env })] : []),
    ...(cage?.available ? [createBubblewrapHost(hostOptions(environment))] : []),
  ];
  for (const host of hosts) findings.push(...(await keptFindings(host, signal)));
  return findings;
}

/** What `delta` keeps. That it cannot be asked is no reason against a drill. */
async function keptFindings(host: ScratchHost, signal: AbortSignal): Promise<readonly Finding[]> {
  const kept = await host.kept(signal).catch(() => []);
  return kept.map(({ name, key, expiresAt }) => ({
    subject: 'kept',
    outcome: 'ok',
    detail: `${printable(key)} · ${printable(name)} · until ${expiresAt.toISOString().slice(0, 10)}`,
  }));
}

/** No distribution packages MongoDB, so that there is no one command to install it. */
const SUBJECTS = { postgres: 'postgresql', mongodb: 'mongodb' } as const;

type HostServer = { readonly engine: SourceKind } & (
  | { readonly detail: string; readonly why?: undefined }
  | { readonly why: string }
);

async function lookAtHost(
  environment: Environment,
  kind: SourceKind,
  signal: AbortSignal,
): Promise<HostServer> {
  try {
    const engine = engineOf(kind);
    const host = createBubblewrapHost(hostOptions(environment));
    const base = await host.prepare({ image: '', probe: engine.probe }, signal);
    engine.admit(ofMajor(OLDEST_MAJOR[kind]), base);
    const newest = newestMajor(engine, base);
    // A stand-in takes all.
    const detail = newest === FUTURE_MAJOR ? 'on this machine' : `up to ${newest} on this machine`;
    return { engine: kind, detail };
  } catch (thrown) {
    return { engine: kind, why: asMusterError(thrown).message };
  }
}

const OLDEST_MAJOR = { postgres: 8, mongodb: 2 } as const;
const FUTURE_MAJOR = 40;

/** The newest version that an engine would admit, asked as a drill asks. */
function newestMajor(engine: Engine, base: Base): number {
  for (let major = FUTURE_MAJOR; major > OLDEST_MAJOR[engine.kind]; major -= 1) {
    try {
      engine.admit(ofMajor(major), base);
      return major;
    } catch {
      // Not that one.
    }
  }
  return OLDEST_MAJOR[engine.kind];
}

const ofMajor = (major: number) => ({ format: '', major, serverVersion: `${major}.0`, databases: [] });
