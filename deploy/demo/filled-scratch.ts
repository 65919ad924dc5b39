import { createWriteStream } from 'node:fs';
import { mkdir, mkdtemp, rename, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { newDrillId } from '@muster/core';
import type { Engine, LiveDumper } from '@muster/engines';
import { type Base, chooseHost, type Scratch, type ScratchHost } from '@muster/scratch';

const LIMIT_MS = 10 * 60_000;
const GIB = 1024 ** 3;
/** What stands for "any version that is there" on a host without Docker. */
const OLDEST_MAJOR = 1;

export interface FilledScratch {
  readonly scratch: Scratch;
  /** Dumps what `uri` names into a file of `folder`, which is there only when it is complete. */
  dump(uri: string, folder: string, ending: string): Promise<void>;
}

/** A server of its own for whoever fills it and dumps it. @throws `image_unavailable`, `isolation_unavailable`, `launch_failed`. */
export async function withScratch(
  { engine, dumper, image, major }: Asked,
  stateDir: string,
  work: (filled: FilledScratch) => Promise<void>,
): Promise<void> {
  const signal = AbortSignal.timeout(LIMIT_MS);
  const runtimeDir = await mkdtemp(join(tmpdir(), 'muster-'));
  try {
    const host = await chooseHost({ kind: 'auto', image, named: false, stateDir, runtimeDir }, signal);
    const base = await host.prepare({ image, probe: engine.probe }, signal);
    const facts = { format: '', major: host.isolation === 'docker' ? major : OLDEST_MAJOR, databases: [] };
    const { user } = engine.admit(facts, base);
    const spec = {
      drillId: newDrillId(new Date()),
      expiresAt: new Date(Date.now() + LIMIT_MS),
      user,
      limits: { cpus: 2, memoryBytes: GIB, diskBytes: 4 * GIB, pids: 256 },
      data: 'disk',
      mounts: [],
    } as const;
    const scratch = await host.launch(base, spec, signal);
    try {
      await engine.start(scratch, base, facts, signal);
      await work({
        scratch,
        dump: (uri, folder, ending) => dump({ dumper, host, base, uri, folder, ending }, signal),
      });
    } finally {
      await scratch.destroy();
    }
  } finally {
    await rm(runtimeDir, { recursive: true, force: true });
  }
}

interface Asked {
  readonly engine: Engine;
  readonly dumper: LiveDumper;
  readonly image: string;
  readonly major: number;
}

interface Dumping {
  readonly dumper: LiveDumper;
  readonly host: ScratchHost;
  readonly base: Base;
  readonly uri: string;
  readonly folder: string;
  readonly ending: string;
}

async function dump(
  { dumper, host, base, uri, folder, ending }: Dumping,
  signal: AbortSignal,
): Promise<void> {
  const live = await dumper.survey(uri, signal);
  const artefact = dumper.dump(uri, live, host, base);
  if (artefact.form !== 'stream') throw new Error('a live dump is a stream');
  const name = `shop_${new Date().toISOString().replace(/[-:]|\.\d+/g, '')}.${ending}`;
  const unfinished = `${folder}.tmp`;
  await rm(unfinished, { recursive: true, force: true });
  await mkdir(unfinished, { recursive: true });
  await pipeline(artefact.open(signal), createWriteStream(join(unfinished, name)));
  await rename(unfinished, folder);
}
