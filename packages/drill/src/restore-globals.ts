import { MusterError } from '@muster/core';
import { restoreWhileExamining } from '@muster/engines';
import type { DrillPorts, DrillRequest } from './drill-ports.js';
import { explain, type Launched } from './launch.js';
import type { Located } from './locate.js';
import { EXPANSION } from './restore.js';
import type { Seen } from './seen.js';

/**
 * What lies beside a backup for its whole cluster is restored before it, examined as it is: a backup whose roles do not come back is
 * not whole. Its faults are those of the drill, and say whose they are.
 */
export async function restoreGlobals(
  ports: DrillPorts,
  request: DrillRequest,
  located: Located,
  { scratch, server }: Launched,
  seen: Pick<Seen, 'globals'>,
  signal: AbortSignal,
): Promise<void> {
  if (located.kind !== 'file' || located.globals === undefined) return;
  const { artefact, location } = located.globals;
  const id = artefact.name;
  seen.globals = { id, location };
  const engine = ports.engineOf(request.source.kind);
  const limits = {
    onBytes: () => undefined,
    contentLimitBytes: request.source.scratch.diskBytes * EXPANSION,
  };
  try {
    const facts = await engine.identify(artefact, signal);
    if (!facts.globals) throw new MusterError('not_a_dump', 'It is none that pg_dumpall wrote.');
    const options = {
      facts,
      fallbackDatabase: request.source.slug,
      jobs: 1,
      onProgress: () => undefined,
      onOutput: (text: string) => ports.output(request.plan.drill_id, text),
    };
    await restoreWhileExamining(
      artefact,
      (one, stop) =>
        server
          .restore(one, options, stop)
          .catch((error) => explain({ scratch }, request.source, error, stop)),
      async (one, stop) => {
        const examined = await engine.examine(one, facts, limits, stop);
        seen.globals = { id, location, examined };
        if (examined.fault !== undefined) throw examined.fault;
      },
      signal,
    );
  } catch (error) {
    if (!(error instanceof MusterError)) throw error;
    const { cause, code, output } = error;
    throw new MusterError(code, `Of the globals beside the backup (${id}): ${error.message}`, {
      cause,
      ...(output !== undefined && { output }),
    });
  }
}
