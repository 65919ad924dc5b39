import { context, trace } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import {
  InMemorySpanExporter,
  type ReadableSpan,
  SimpleSpanProcessor,
  TracerProvider,
} from '@opentelemetry/sdk-trace';
import { idGenerator } from '../../packages/telemetry/src/span-id.ts';
import { spanTree } from './span-tree.ts';

/** Registers a tracer of this process that keeps what it is given, in the order of the spans' ends. */
export function tracedInMemory() {
  const exporter = new InMemorySpanExporter();
  const provider = new TracerProvider({
    idGenerator,
    spanProcessors: [new SimpleSpanProcessor({ exporter })],
  });
  trace.setGlobalTracerProvider(provider);
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  return {
    spans: () => exporter.getFinishedSpans(),
    tree: () => spanTree(exporter.getFinishedSpans().map(plain)),
    reset: () => exporter.reset(),
    close: () => {
      trace.disable();
      context.disable();
    },
  };
}

function plain(span: ReadableSpan) {
  const [seconds, nanoseconds] = span.startTime;
  return {
    spanId: span.spanContext().spanId,
    parentSpanId: span.parentSpanContext?.spanId,
    name: span.name,
    startedAt: seconds * 1e9 + nanoseconds,
    errorType: span.attributes['error.type'],
  };
}
