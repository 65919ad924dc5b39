import { createServer } from 'node:http';
import { buffer } from 'node:stream/consumers';
import { eventually } from './eventually.ts';
import { spanTree } from './span-tree.ts';

/** A span as OTLP/JSON has it, of which the tests read so much. */
export interface ReceivedSpan {
  /** `service.name` of the process that sent it. */
  readonly service: string;
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly name: string;
  readonly attributes: Readonly<Record<string, unknown>>;
  /** In ns since 1970. */
  readonly startedAt: number;
  readonly endedAt: number;
}

export interface OtlpReceiver {
  /** For OTEL_EXPORTER_OTLP_ENDPOINT, with OTEL_EXPORTER_OTLP_PROTOCOL `http/json`; of other encodings just the bytes are kept. */
  readonly url: string;
  readonly spans: readonly ReceivedSpan[];
  /** Of every metric that came. */
  readonly metricNames: ReadonlySet<string>;
  /** Everything that came, as text: strings stand in protobuf as they are. */
  text(): string;
  /** Content types, by path. */
  readonly received: ReadonlySet<string>;
  /** The first span that is as wanted; waits for it. */
  span(what: string, wanted: (span: ReceivedSpan) => boolean, limitMs?: number): Promise<ReceivedSpan>;
  /** The trace, a line a span: see {@link spanTree}. */
  tree(traceId: string): readonly string[];
  close(): Promise<void>;
}

interface Attribute {
  readonly key: string;
  readonly value: Readonly<Record<string, unknown>>;
}

interface Resourced {
  readonly resource: { readonly attributes: readonly Attribute[] };
}

interface TraceBody {
  readonly resourceSpans?: readonly (Resourced & {
    readonly scopeSpans: readonly {
      readonly spans: readonly (Omit<ReceivedSpan, 'service' | 'attributes' | 'startedAt' | 'endedAt'> & {
        readonly attributes: readonly Attribute[];
        readonly startTimeUnixNano: string;
        readonly endTimeUnixNano: string;
      })[];
    }[];
  })[];
}

interface MetricsBody {
  readonly resourceMetrics?: readonly {
    readonly scopeMetrics: readonly { readonly metrics: readonly { readonly name: string }[] }[];
  }[];
}

/** A real OTLP/HTTP receiver on loopback. */
export async function startOtlpReceiver(): Promise<OtlpReceiver> {
  const spans: ReceivedSpan[] = [];
  const metricNames = new Set<string>();
  const received = new Set<string>();
  const bodies: Buffer[] = [];
  const server = createServer(async (request, response) => {
    const body = await buffer(request);
    bodies.push(body);
    const type = request.headers['content-type'] ?? '';
    received.add(`${request.url} ${type}`);
    if (type === 'application/json') {
      const parsed: unknown = JSON.parse(body.toString());
      spans.push(...spansOf(parsed as TraceBody));
      for (const name of metricsOf(parsed as MetricsBody)) metricNames.add(name);
    }
    response.writeHead(200, { 'content-type': type }).end(type === 'application/json' ? '{}' : '');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const port = typeof address === 'object' ? address?.port : undefined;
  return {
    url: `http://127.0.0.1:${port}`,
    spans,
    metricNames,
    received,
    text: () => bodies.map((body) => body.toString('latin1')).join('\n'),
    span: async (what, wanted, limitMs) => {
      await eventually(what, () => spans.some(wanted), limitMs);
      const [found] = spans.filter(wanted);
      if (found === undefined) throw new Error('a span went away');
      return found;
    },
    tree: (traceId) =>
      spanTree(
        spans
          .filter((span) => span.traceId === traceId)
          .map((span) => ({
            ...span,
            name: `${span.service} ${span.name}`,
            errorType: span.attributes['error.type'],
          })),
      ),
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function spansOf({ resourceSpans = [] }: TraceBody): readonly ReceivedSpan[] {
  return resourceSpans.flatMap(({ resource, scopeSpans }) =>
    scopeSpans.flatMap(({ spans }) =>
      spans.map(({ attributes, startTimeUnixNano, endTimeUnixNano, ...span }) => ({
        ...span,
        service: String(recordOf(resource.attributes)['service.name']),
        attributes: recordOf(attributes),
        startedAt: Number(startTimeUnixNano),
        endedAt: Number(endTimeUnixNano),
      })),
    ),
  );
}

function metricsOf({ resourceMetrics = [] }: MetricsBody): readonly string[] {
  return resourceMetrics.flatMap(({ scopeMetrics }) =>
    scopeMetrics.flatMap(({ metrics }) => metrics.map(({ name }) => name)),
  );
}

function recordOf(attributes: readonly Attribute[]): Readonly<Record<string, unknown>> {
  return Object.fromEntries(attributes.map(({ key, value }) => [key, Object.values(value)[0]]));
}
