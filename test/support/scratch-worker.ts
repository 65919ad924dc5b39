// A worker to be killed: launches a cell, runs one process in it, says so, and never destroys anything.
import type { HostOptions, LaunchSpec, ScratchHost } from '@muster/scratch';

export interface Order {
  /** Module that exports `makeHost`. */
  readonly module: string;
  readonly options: HostOptions;
  readonly image: string;
  readonly spec: Omit<LaunchSpec, 'expiresAt'>;
  /** POSIX sh, run inside in the background. */
  readonly script: string;
}

const order: Order = JSON.parse(process.argv[2] ?? '');
const { makeHost }: { makeHost: (options: HostOptions) => Promise<ScratchHost> } = await import(order.module);
const { signal } = new AbortController();
const host = await makeHost(order.options);
const base = await host.prepare({ image: order.image, probe: 'true' }, signal);
const scratch = await host.launch(
  base,
  { ...order.spec, expiresAt: new Date(Date.now() + 3_600_000) },
  signal,
);
void scratch.exec({ argv: ['/bin/sh', '-c', order.script] }, signal);
void scratch.lost.then((loss) => {
  process.stdout.write(`lost ${loss.reason}\n`);
});
await scratch.exec({ argv: ['/bin/true'] }, signal);
// The directory that the process sees, too: nothing hostile runs here.
process.stdout.write(`ready ${scratch.socketDir}/s\n`);
setInterval(() => {}, 60_000);
