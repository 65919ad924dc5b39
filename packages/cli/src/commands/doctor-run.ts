import { readFile } from 'node:fs/promises';
import { platform } from 'node:os';
import {
  MusterError,
  type Preflight,
  REASONS,
  type Source,
  type SourceKind,
  type Verdict,
} from '@muster/core';
import type { Cli } from '../cli.js';
import { examine, type Finding } from '../doctor/finding.js';
import { examineFleet } from '../doctor/fleet.js';
import { examineIsolation } from '../doctor/isolation.js';
import { examineEvidence } from '../doctor/keys-and-evidence.js';
import { retentionFinding } from '../doctor/retention.js';
import { examineSource, type SourceAsked } from '../doctor/source.js';
import { platformOf } from '../install-advice.js';
import { interruptible } from '../interruption.js';
import { chooseSource, type LoadedConfig, loadConfig } from '../load-config.js';
import { asMusterError, ConfigFaults, EXIT, exitCodeOf } from '../problem.js';
import { nearest } from '../render/faults.js';
import { findingLines } from '../render/findings.js';
import { counted } from '../terminal/counted.js';
import { type RestorePointOptions, restorePointOf } from './restore-point-options.js';
import { scheduleOf } from './schedule-of.js';

export interface DoctorOptions extends RestorePointOptions {
  readonly source?: string;
  readonly schedule?: string;
}

/**
 * `muster doctor`: exit 0 where a drill can run, 1 where all that is wrong is the backup's fault, as every command where there is
 * no configuration that can be used.
 */
export async function doctor(cli: Cli, options: DoctorOptions): Promise<number> {
  const { output } = cli;
  requireSource(options);
  const { unusable, findings, preflights } = await interruptible(
    cli.process,
    () => {},
    (signal) => examineAll(cli, options, signal),
  );
  const result = resultOf(findings);
  const document = { ready: result === 'pass', findings, preflights };
  output.result(document, () => findingLines(findings, result, output.style));
  return unusable === undefined ? EXIT[result] : exitCodeOf(unusable);
}

function resultOf(findings: readonly Finding[]): Verdict {
  const faults = findings.filter(({ outcome }) => outcome === 'fault');
  if (faults.length === 0) return 'pass';
  return faults.every(({ reason }) => reason && REASONS[reason].result === 'fail') ? 'fail' : 'error';
}

/** @throws `usage` */
function requireSource({ source, schedule, ...point }: DoctorOptions): void {
  if (source !== undefined) return;
  if (schedule === undefined && Object.values(point).every((value) => value === undefined)) return;
  throw new MusterError('usage', 'Which backup is asked of one source: name it with --source.');
}

interface ExaminedAll {
  /** Why there is no configuration to go by. */
  readonly unusable: MusterError | undefined;
  readonly findings: readonly Finding[];
  readonly preflights: readonly Preflight[];
}

async function examineAll(cli: Cli, options: DoctorOptions, signal: AbortSignal): Promise<ExaminedAll> {
  let loaded: LoadedConfig | undefined;
  let unusable: MusterError | undefined;
  const configuration = await examine('configuration', async () => {
    loaded = await loadConfig(cli).catch((thrown: unknown) => {
      unusable = asMusterError(thrown);
      return pointToCheck(thrown);
    });
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
  const findings = [configuration, ...evidence, ...fleet, ...isolation];
  const preflights: Preflight[] = [];
  for (const source of sources) {
    if (loaded === undefined) break;
    const asked = askedOf(options, source, cli.environment.now());
    const examined = await examineSource(cli, loaded.config, source, asked, signal);
    findings.push(...examined.findings, ...[retentionFinding(source)].filter((one) => one !== undefined));
    preflights.push(examined.preflight);
  }
  return { unusable, findings, preflights };
}

/** @throws `usage` */
function askedOf(
  { schedule, source: named, ...point }: DoctorOptions,
  source: Source,
  now: Date,
): SourceAsked {
  const whole = named !== undefined;
  if (schedule === undefined) return { restorePoint: restorePointOf(point, now), whole };
  return { restorePoint: scheduleOf(source, schedule).restorePoint, schedule, whole };
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
