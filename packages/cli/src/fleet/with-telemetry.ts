import { contextOf, type Logger, startTelemetry, type Telemetry } from '@muster/telemetry';
import type { Cli } from '../cli.js';
import type { Environment } from '../environment.js';
import { musterVersion } from '../version.js';

export interface TelemetryAsked {
  /** `worker`, `sink`, `cli` … */
  readonly service: string;
  readonly logger: Logger;
  /** True where /metrics is served. */
  readonly scraped?: boolean;
}

/** Of whoever started this command, where that is traced: TRACEPARENT, as OpenTelemetry has it for child processes. */
export const callerContext = ({ env }: Pick<Environment, 'env'>): ReturnType<typeof contextOf> =>
  contextOf({ traceparent: env['TRACEPARENT'] });

/** Runs a service or a command with its traces and metrics, and exports what is left of them on every path. */
export async function withTelemetry<T>(
  { environment: { env } }: Cli,
  asked: TelemetryAsked,
  work: (telemetry: Telemetry) => Promise<T>,
): Promise<T> {
  const telemetry = await startTelemetry({ ...asked, version: musterVersion(), env });
  try {
    return await work(telemetry);
  } finally {
    await telemetry.shutdown();
  }
}
