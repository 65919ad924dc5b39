import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MusterError, writeRestorePoint } from '@muster/core';
import { type Keyring, loadKeyring, verifyReceipt } from '@muster/evidence';
import type { Cli } from '../cli.js';
import type { ApiClient } from '../fleet/api-client.js';
import type { OpenDrill } from '../fleet/open-drills.js';
import { interruptible } from '../interruption.js';
import { EXIT } from '../problem.js';
import { printable } from '../terminal/printable.js';
import { CANCELLED } from './drill-cancel.js';
import type { DrillEnqueueOptions } from './drill-enqueue.js';
import { type DrillListOptions, drillTable, openSummaryOf } from './drill-list.js';
import { tellOpen, tellReceipt } from './drill-show.js';
import { tellEnded, tellEvent, tellStanding, watchingStopped } from './drill-watch.js';
import { restorePointOf } from './restore-point-options.js';

const enqueue = (cli: Cli, api: ApiClient, options: DrillEnqueueOptions): Promise<number> =>
  byApi(cli, async (signal) => {
    const source = options.source ?? (await onlySource(api, signal));
    const asked = {
      source,
      restore_point: writeRestorePoint(restorePointOf(options, cli.environment.now())),
      ...(options.pool && { pool: options.pool }),
    };
    const { id, warning } = await api.ask(asked, signal);
    if (options.watch) return await followed(cli, api, id, signal);
    if (warning !== undefined) cli.output.note(printable(warning));
    cli.output.result({ drill_id: id, source, ...(warning && { warning }) }, () => [
      id,
      ...(cli.output.quiet ? [] : ['', `Follow it: muster drill watch ${id}`]),
    ]);
    return EXIT.pass;
  });

const watchDrill = (cli: Cli, api: ApiClient, drillId: string): Promise<number> =>
  byApi(cli, (signal) => followed(cli, api, drillId, signal));

const cancel = (cli: Cli, api: ApiClient, drillId: string): Promise<number> =>
  byApi(cli, async (signal) => {
    const outcome = await api.cancel(drillId, signal);
    cli.output.result({ drill_id: drillId, outcome }, () => [`${drillId}: ${CANCELLED[outcome]}`]);
    return EXIT.pass;
  });

const list = (cli: Cli, api: ApiClient, { source }: DrillListOptions): Promise<number> =>
  byApi(cli, async (signal) => {
    const { drills, open } = await api.drills(source, signal);
    const ended = drills.toReversed().map(({ id, receipt, ...rest }) => {
      const { source: slug, backup, result, reason, substitute, issued_at, duration_ms } = rest;
      return {
        drill_id: id,
        source: slug,
        ...(backup && { backup }),
        result,
        ...(reason && { reason }),
        ...(substitute && { substitute }),
        issued_at,
        ...(duration_ms !== undefined && { duration_ms }),
        receipt: receipt.key,
      };
    });
    const under = open.toReversed().map((drill) => openDrill({ ...drill, attempts: [] }));
    cli.output.result({ drills: [...ended, ...under.map(openSummaryOf)] }, () =>
      ended.length + under.length === 0
        ? [`The API at ${api.url} knows no drills${source === undefined ? '' : ` of ${source}`} yet.`]
        : drillTable(cli.output, ended, under),
    );
    return EXIT.pass;
  });

/** The receipt is verified here, by the keys that the API says count. */
const show = (cli: Cli, api: ApiClient, drillId: string): Promise<number> =>
  byApi(cli, async (signal) => {
    const drill = await api.drill(drillId, signal);
    if (drill.state !== 'ended') return tellOpen(cli, openDrill(drill));
    const [receipt, keyring] = await Promise.all([api.receipt(drillId, signal), keyringOf(api, signal)]);
    const verification = await verifyReceipt(receipt, { keyring, requirePass: false }, signal);
    return tellReceipt(cli, { drillId, key: drill.receipt.key, verification });
  });

/** The fleet's commands, where `MUSTER_API_URL` names its API: no Redis, no store and no configuration are needed. */
export const DRILL_BY_API = { enqueue, watch: watchDrill, cancel, list, show } as const;

const followed = (cli: Cli, api: ApiClient, drillId: string, signal: AbortSignal): Promise<number> =>
  watch(cli, api, drillId, signal).catch((error: unknown) => {
    throw signal.aborted ? watchingStopped() : error;
  });

const byApi = (cli: Cli, work: (signal: AbortSignal) => Promise<number>): Promise<number> =>
  interruptible(cli.process, () => {}, work);

async function watch(cli: Cli, api: ApiClient, drillId: string, signal: AbortSignal): Promise<number> {
  const place = `${api.url}/api/v1/drills/${drillId}/receipt`;
  const look = async (): Promise<OpenDrill | undefined> => {
    const drill = await api.drill(drillId, signal);
    return drill.state === 'ended' ? undefined : openDrill(drill);
  };
  using _ = tellStanding(cli.output, look);
  for await (const { at, event } of api.follow(drillId, signal)) {
    if (event.type === 'stored') return tellEnded(cli, drillId, event, place);
    tellEvent(cli.output, at, event);
  }
  signal.throwIfAborted();
  // It ended so long ago that nobody tells of it any more.
  const drill = await api.drill(drillId, signal);
  if (drill.state !== 'ended')
    throw new MusterError('api_refused', `The API at ${api.url} contradicts itself.`);
  return tellEnded(cli, drillId, { ...drill, key: drill.receipt.key }, place);
}

async function onlySource(api: ApiClient, signal: AbortSignal): Promise<string> {
  const slugs = await api.sources(signal);
  const [only] = slugs;
  if (only !== undefined && slugs.length === 1) return only;
  throw new MusterError(
    'usage',
    `Which source? Name it with --source: there are ${slugs.slice(0, 20).join(', ')}.`,
  );
}

type Told = Exclude<Awaited<ReturnType<ApiClient['drill']>>, { readonly state: 'ended' }>;

const openDrill = ({
  id,
  source,
  pool,
  trigger,
  trace_id,
  state,
  worker,
  phase,
  waits_for,
  why,
  attempts,
}: Told): OpenDrill => ({
  drillId: id,
  source,
  ...(pool && { pool }),
  ...(trigger && { trigger }),
  ...(trace_id && { traceId: trace_id }),
  state,
  ...(worker && { worker }),
  ...(phase && { phase }),
  ...(waits_for && { waitsFor: waits_for }),
  ...(why && { why }),
  attempts: attempts.length,
});

async function keyringOf(api: ApiClient, signal: AbortSignal): Promise<Keyring> {
  const folder = await mkdtemp(join(tmpdir(), 'muster-keys-'));
  try {
    const pems = await api.keys(signal);
    await Promise.all(pems.map((pem, index) => writeFile(join(folder, `${index}.pem`), pem)));
    return await loadKeyring(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
