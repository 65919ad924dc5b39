import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { startFleet } from '../support/fleet.ts';
import { type ReceivedSpan, startOtlpReceiver } from '../support/otlp-receiver.ts';
import { plainDump } from '../support/plain-dump.ts';

// `node test/telemetry/draw-trace.ts`: docs/trace.svg, out of the spans of a real drill with one slow check.

const WIDTH = 900;
const NAMES = 330;
const ROW = 22;
const COLOURS: Readonly<Record<string, string>> = {
  'muster-cli': '#6b7280',
  'muster-worker': '#2563eb',
  'muster-sink': '#0f766e',
};

const receiver = await startOtlpReceiver();
const fleet = await startFleet({
  env: Object.fromEntries([
    ['OTEL_EXPORTER_OTLP_ENDPOINT', receiver.url],
    ['OTEL_EXPORTER_OTLP_PROTOCOL', 'http/json'],
  ]),
  checks: {
    'enough-orders': ['SELECT count(*) AS n FROM orders', 'n == 120000'],
    'recent-orders': [
      "SELECT count(*) AS n FROM orders a JOIN orders b ON a.at = b.at + interval '1 day' AND a.n % 7 = b.n % 7",
      'n > 0',
    ],
    'no-orphans': ['SELECT count(*) AS n FROM orders WHERE n < 0', 'n == 0'],
  },
});
try {
  const orders =
    'CREATE TABLE orders AS SELECT n, now()::date - n % 30 AS at FROM generate_series(1, 120000) n;';
  await writeFile(join(fleet.dumps, 'shop.sql'), plainDump(orders));
  await Promise.all([fleet.start('producer'), fleet.start('sink'), fleet.start('worker')]);
  const drillId = await fleet.enqueue();
  await fleet.receipt(drillId);
  const last = await receiver.span(
    'the last span',
    ({ name, attributes }) => name === 'receipt store' && attributes['muster.drill.id'] === drillId,
  );
  await receiver.span(
    'its root',
    ({ name, traceId }) => name === 'drill attempt' && traceId === last.traceId,
  );
  const spans = receiver.spans.filter(({ traceId }) => traceId === last.traceId);
  await writeFile(new URL('../../docs/trace.svg', import.meta.url), drawn(spans));
} finally {
  await fleet.close();
  await receiver.close();
}

interface Row {
  readonly span: ReceivedSpan;
  readonly depth: number;
}

function rowsOf(spans: readonly ReceivedSpan[], parent?: ReceivedSpan, depth = 0): readonly Row[] {
  const known = new Set(spans.map(({ spanId }) => spanId));
  return spans
    .filter(({ parentSpanId = '' }) => (parent ? parentSpanId === parent.spanId : !known.has(parentSpanId)))
    .toSorted((a, b) => a.startedAt - b.startedAt)
    .flatMap((span) => [{ span, depth }, ...rowsOf(spans, span, depth + 1)]);
}

function drawn(spans: readonly ReceivedSpan[]): string {
  const rows = rowsOf(spans);
  const from = Math.min(...spans.map(({ startedAt }) => startedAt));
  const until = Math.max(...spans.map(({ endedAt }) => endedAt));
  const x = (at: number): number => NAMES + ((at - from) / (until - from)) * (WIDTH - NAMES - 70);
  const lines = rows.map(({ span, depth }, index) => {
    const y = 12 + index * ROW;
    const begin = x(span.startedAt);
    const width = Math.max(x(span.endedAt) - begin, 2);
    const took = ((span.endedAt - span.startedAt) / 1e9).toFixed(2);
    const colour = COLOURS[span.service] ?? '#000';
    return [
      `<text x="${8 + depth * 16}" y="${y + 13}">${span.name}</text>`,
      `<rect x="${begin.toFixed(1)}" y="${y + 3}" width="${width.toFixed(1)}" height="12" rx="2" fill="${colour}"/>`,
      `<text x="${(begin + width + 6).toFixed(1)}" y="${y + 13}" fill="#555">${took} s</text>`,
    ].join('');
  });
  const legend = Object.entries(COLOURS).map(
    ([service, colour], index) =>
      `<rect x="${8 + index * 130}" y="${rows.length * ROW + 22}" width="10" height="10" fill="${colour}"/><text x="${24 + index * 130}" y="${rows.length * ROW + 31}">${service}</text>`,
  );
  const height = rows.length * ROW + 44;
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${height}" viewBox="0 0 ${WIDTH} ${height}" font-family="ui-monospace, monospace" font-size="12">
<rect width="100%" height="100%" fill="#fff"/>
${[...lines, ...legend].join('\n')}
</svg>
`;
}
