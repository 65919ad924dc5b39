import { readFile } from 'node:fs/promises';
import { platform } from 'node:os';
import { MusterError, type SourceKind } from '@muster/core';
import type { Cli } from '../cli.js';
import { examine, type Finding } from '../doctor/finding.js';
import { examineFleet } from '../doctor/fleet.js';
import { examineIsolation } from '../doctor/isolation.js';
import { examineEvidence } from '../doctor/keys-and-evidence.js';
import { examineSource } from '../doctor/source.js';
import { platformOf } from '../install-advice.js';
import { interruptible } from '../interruption.js';
import { chooseSource, type LoadedConfig, loadConfig } from '../load-config.js';
import { ConfigFaults, EXIT } from '../problem.js';
import { nearest } from '../render/faults.js';
import { findingLines } from '../render/findings.js';
import { counted } from '../terminal/counted.js';

export interface DoctorOptions {
  readonly source?: string;
}

/** `muster doctor`: exit 0 where a drill can run. */
export async function doctor(cli: Cli, options: DoctorOptions): Promise<number> {
  const { output } = cli;
  const findings = await interruptible(
    cli.process,
    () => {},
    (signal) => examineAll(cli, options, signal),
  );
  const ready = findings.every(({ outcome }) => outcome !== 'fault');
  output.result({ ready, findings }, () => findingLines(findings, ready, output.style));
  return ready ? EXIT.pass : EXIT.error;
}

async function examineAll(
  cli: Cli,
  options: DoctorOptions,
  signal: AbortSignal,
): Promise<readonly Finding[]> {
  let loaded: LoadedConfig | undefined;
  const configuration = await examine('configuration', async () => {
    loaded = await loadConfig(cli).catch(pointToCheck);
    const { sources, checks } = loaded.config;
    return `${nearest(loaded.file, cli.environment.cwd)} · ${counted(sources.length, 'source')} · ${counted(checks.length, 'check')}`;
  });
  const osRelease = await readFile('/etc/os-release', 'utf8').catch(() => '');
  const machine = platformOf(platform(), osRelease);
  const kind = loaded?.config.scratch.kind ?? 'auto';
  const sources =
    loaded === undefined
      ? []
      : options.source === undefined
        ? loaded.config.sources
        : [chooseSource(loaded, options.source)];

  const evidence = loaded === undefined ? [] : await examineEvidence(cli, loaded, signal);
  const fleet = loaded === undefined ? [] : await examineFleet(cli, loaded);
  const kinds = new Set(sources.length === 0 ? DEFAULT_KINDS : sources.map((source) => source.kind));
  const isolation = await examineIsolation(cli.environment, kind, kinds, machine, signal);
  const findings = [configuration, ...evidence, ...fleet, ...isolation.findings];
  for (const source of sources) {
    if (loaded === undefined) break;
    const connect = options.source !== undefined;
    findings.push(...(await examineSource(cli, loaded.config, source, isolation, { connect }, signal)));
  }
  return findings;
}

/** Looked for where no configuration says which are needed. */
const DEFAULT_KINDS: readonly SourceKind[] = ['postgres'];

/** The faults of a configuration have places, which another command shows. */
function pointToCheck(error: unknown): never {
  if (!(error instanceof ConfigFaults)) throw error;
  throw new MusterError('config_invalid', `${error.message} See them with muster config check.`, {
    cause: error,
  });
}
