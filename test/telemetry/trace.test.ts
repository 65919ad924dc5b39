import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { addressOf, apiTokens } from '../support/api-client.ts';
import { eventually } from '../support/eventually.ts';
import { type Fleet, type Service, startFleet } from '../support/fleet.ts';
import { canRunIn } from '../support/needs.ts';
import { type OtlpReceiver, type ReceivedSpan, startOtlpReceiver } from '../support/otlp-receiver.ts';
import { plainDump } from '../support/plain-dump.ts';

const TRACE = '0af7651916cd43dd8448eb211c80319c';
const TRACEPARENT = `00-${TRACE}-b7ad6b7169203331-01`;

/** One try that passes, its receipt and all. */
const PASSED = [
  '  muster-worker drill attempt',
  '    muster-worker locate',
  '    muster-worker launch',
  '    muster-worker restore',
  '    muster-worker check',
  '      muster-worker check rows',
  '      muster-worker check slow',
  '    muster-worker destroy',
  '    muster-worker sign',
  '    muster-worker publish',
  '      muster-sink receipt store',
  '        muster-sink index',
];

describe.runIf(canRunIn('bubblewrap'))('the trace of a drill, as an OTLP receiver got it', () => {
  const tokens = apiTokens();
  const env: Record<string, string> = {};
  let receiver: OtlpReceiver;
  let fleet: Fleet;
  let worker: Service;
  let services: readonly Service[];
  let url: string;

  beforeAll(async () => {
    receiver = await startOtlpReceiver();
    Object.assign(env, {
      OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url,
      OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json',
      OTEL_METRIC_EXPORT_INTERVAL: '1000',
    });
    fleet = await startFleet({
      isolation: 'bubblewrap',
      env,
      source: ['schedules: [{ name: often, cron: "* * * * *", present: [rows], absent: [later] }]'],
      config: tokens.config,
      checks: {
        rows: ['SELECT count(*) AS n FROM t', 'n == 1'],
        slow: ["SELECT 1 AS n FROM pg_sleep_for('3 s')", 'n == 1'],
      },
      unasked: { later: ['SELECT count(*) AS n FROM t', 'n == 2'] },
    });
    await writeFile(
      join(fleet.dumps, 'shop.sql'),
      plainDump('CREATE TABLE t (n int); INSERT INTO t VALUES (1);'),
    );
    services = await Promise.all([fleet.start('producer'), fleet.start('sink'), fleet.start('api')]);
    worker = await fleet.start('worker');
    url = addressOf(services[2] ?? worker);
  }, 120_000);
  afterAll(async () => {
    await fleet?.close();
    await receiver?.close();
  });

  const of = (drillId: string, name: string) => (span: ReceivedSpan) =>
    span.name === name && span.attributes['muster.drill.id'] === drillId;
  /** Its spans are complete when that of the index came: it is the last to end, but for those that it is part of. */
  const traceOf = async (drillId: string): Promise<string> => {
    await fleet.receipt(drillId);
    const { traceId } = await receiver.span('the last span', of(drillId, 'receipt store'));
    await receiver.span('the try', of(drillId, 'drill attempt'));
    return traceId;
  };

  it('asked for by a command: one tree across command, worker and sink; its id is in the receipt and in the log', async () => {
    const drillId = await fleet.enqueue();
    const traceId = await traceOf(drillId);
    expect(receiver.tree(traceId)).toEqual(['muster-cli drill request', ...PASSED]);
    expect(await fleet.receipt(drillId)).toMatchObject({ result: 'pass', trace_id: traceId });
    for (const [service, said] of [
      [worker, 'drill ended'],
      [services[1], 'receipt kept'],
    ] as const) {
      const lines = (service?.log ?? []).map((line) => JSON.parse(line) as Record<string, unknown>);
      expect(lines).toContainEqual(
        expect.objectContaining({ msg: said, drill_id: drillId, trace_id: traceId }),
      );
    }
    const [slow] = receiver.spans.filter(of(drillId, 'check slow'));
    expect(slow?.attributes).toMatchObject({
      'db.system.name': 'postgresql',
      'muster.check.id': 'slow',
      'muster.verdict': 'pass',
      'muster.source': 'shop',
    });
    const [request] = receiver.spans.filter(of(drillId, 'drill request'));
    expect(request?.attributes).toMatchObject({
      'messaging.system': 'bullmq',
      'messaging.destination.name': 'drills',
      'messaging.operation.type': 'send',
      'messaging.message.id': drillId,
    });
  });

  it('asked for over the API by somebody who is traced: it is part of that trace', async () => {
    const asked = await fetch(`${url}/api/v1/drills`, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${tokens.tokenOf('operator')}`,
        'content-type': 'application/json',
        traceparent: TRACEPARENT,
      },
      body: JSON.stringify({ source: 'shop' }),
    });
    const { id, trace_id: traceId } = (await asked.json()) as Record<'id' | 'trace_id', string>;
    expect(traceId).toBe(TRACE);
    expect(await traceOf(id)).toBe(TRACE);
    expect(receiver.tree(TRACE)).toEqual(['muster-api drill request', ...PASSED]);
    const [request] = receiver.spans.filter(of(id, 'drill request'));
    expect(request?.parentSpanId).toBe('b7ad6b7169203331');
  });

  it('whose worker was killed: its tries are siblings, and what the dead one had ended is there', async () => {
    const drillId = await fleet.enqueue();
    await receiver.span('a check', of(drillId, 'check rows'));
    await worker.signal('SIGKILL');
    worker = await fleet.start('worker');
    const traceId = await traceOf(drillId);
    await receiver.span(
      'the second try',
      (span) => of(drillId, 'drill attempt')(span) && span.attributes['muster.attempt'] === 2,
    );
    expect(receiver.tree(traceId)).toEqual([
      'muster-cli drill request',
      '  muster-worker drill attempt: worker_lost',
      '    muster-worker locate',
      '    muster-worker launch',
      '    muster-worker restore',
      '    muster-worker check: worker_lost',
      '      muster-worker check rows',
      '      muster-worker check slow: worker_lost',
      ...PASSED,
    ]);
    expect(await fleet.receipt(drillId)).toMatchObject({
      trace_id: traceId,
      attempts: [{ outcome: 'lost' }, { outcome: 'pass' }],
    });
  });

  it('asked for by a schedule: its root is the tick', async () => {
    const tick = await receiver.span('a tick', ({ name }) => name === 'tick', 90_000);
    const request = await receiver.span(
      'its drill',
      ({ name, traceId }) => name === 'drill request' && traceId === tick.traceId,
    );
    const drillId = String(request.attributes['muster.drill.id']);
    expect(await traceOf(drillId)).toBe(tick.traceId);
    const checked = PASSED.indexOf('      muster-worker check slow') + 1;
    expect(receiver.tree(tick.traceId)).toEqual([
      'muster-producer tick',
      '  muster-producer drill request',
      ...PASSED.toSpliced(checked, 0, '      muster-worker check later').map((line) => `  ${line}`),
    ]);
    expect(await fleet.receipt(drillId)).toMatchObject({
      result: 'pass',
      checks: [
        { id: 'rows', role: 'present', verdict: 'pass' },
        { id: 'slow', verdict: 'pass' },
        { id: 'later', role: 'absent', verdict: 'pass', summary: { n: 1 } },
      ],
    });
  });

  it('and the metrics: by OTLP from each process that works, at /metrics those of the fleet', async () => {
    const names = ['muster.drills', 'muster.phase.duration', 'muster.check.duration', 'muster.queue.depth'];
    await eventually('the metrics came', () => names.every((name) => receiver.metricNames.has(name)));
    const text = await (
      await fetch(`${url}/metrics`, { headers: { authorization: `Bearer ${tokens.tokenOf('viewer')}` } })
    ).text();
    expect(text).toMatch(/^muster_workers\{pool="default",state="ready"\} \d/m);
    expect(text).toMatch(/^muster_queue_depth\{pool="default",state="waiting"\} \d/m);
    expect(text).toMatch(/^muster_receipts_quarantined 0$/m);
    expect(text).toMatch(/^muster_sources_unproven \d$/m);
    expect(text).toMatch(/^muster_drills_total\{result="pass",reason="none",kind="postgres"\} [4-9]$/m);
    expect(text).toMatch(/^muster_check_duration_seconds_count\{verdict="pass",kind="postgres"\} \d+$/m);
    expect(text.match(/^# TYPE muster_drills_total /gm)).toHaveLength(1);
  });
});
