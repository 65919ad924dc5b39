import type { RestorePoint } from '@muster/backups';
import { newDrillId, type Plan, type Source } from '@muster/core';
import { type DrillOutcome, runDrill } from '@muster/drill';
import type { Cli } from './cli.js';
import { openEvidenceStore } from './evidence-store.js';
import type { LoadedConfig } from './load-config.js';
import { openOutputLog } from './output-log.js';
import { stateDirectory } from './places.js';
import { liveDrill } from './render/live-drill.js';
import type { DrillObserver } from './render/observer.js';
import { plainDrill } from './render/plain-drill.js';
import { openSigner } from './signing.js';
import { drillPorts } from './wiring.js';

export interface DrillAsked {
  readonly source: Source;
  readonly restorePoint: RestorePoint;
  /** How long the scratch may stay up after the drill. */
  readonly keepMs?: number;
}

/** Who shows a drill while it runs: moving on a terminal, in lines elsewhere, not at all with `--quiet`. */
export function drillObserver({ output, environment }: Cli): DrillObserver {
  if (output.live) return liveDrill(output.stderr, output.errStyle, environment.now);
  return plainDrill((line) => output.note(line), environment.now);
}

/** One drill from the command line. @throws as `runDrill`, and what opening keys and places throws. */
export async function performDrill(
  cli: Cli,
  loaded: LoadedConfig,
  asked: DrillAsked,
  observer: DrillObserver,
  signal: AbortSignal,
): Promise<DrillOutcome> {
  const { environment } = cli;
  const signer = await openSigner(cli, loaded, signal);
  const store = openEvidenceStore(loaded.evidence.store, environment);
  await store.probe(signal);
  const log = await openOutputLog(stateDirectory(environment), environment.now);
  try {
    const ports = drillPorts(environment, loaded.config, {
      signer,
      store,
      observe: observer.observe,
      output: log.append,
    });
    const request = { ...asked, plan: planOf(cli, loaded, asked), config: loaded.config };
    return await runDrill(ports, request, signal);
  } finally {
    observer.close();
  }
}

function planOf({ environment }: Cli, { config }: LoadedConfig, { source, restorePoint }: DrillAsked): Plan {
  return {
    drill_id: newDrillId(environment.now()),
    source: source.slug,
    trigger: { kind: 'cli' },
    restore_point: {
      kind: restorePoint.kind,
      ...(restorePoint.kind === 'id' ? { asked: restorePoint.id } : {}),
    },
    checks: source.checks.map((check) => check.id),
    config_sha256: config.configSha256,
  };
}
