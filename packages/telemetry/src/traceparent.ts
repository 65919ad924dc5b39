import { type Context, isSpanContextValid, ROOT_CONTEXT, type SpanContext, trace } from '@opentelemetry/api';

/** What goes along with a job or a request so that what becomes of it is of the same trace. */
export interface Carrier {
  /** W3C Trace Context, Level 1. */
  readonly traceparent?: string | undefined;
}

const TRACEPARENT = /^(?!ff)[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/;

/** The context of whoever sent the carrier; a root where it has none, or one that is not valid. Never throws. */
export function contextOf({ traceparent }: Carrier): Context {
  const [, traceId = '', spanId = '', flags = ''] = TRACEPARENT.exec(traceparent ?? '') ?? [];
  const sender: SpanContext = {
    traceId,
    spanId,
    traceFlags: Number.parseInt(flags, 16) & 1,
    isRemote: true,
  };
  return isSpanContextValid(sender) ? trace.setSpanContext(ROOT_CONTEXT, sender) : ROOT_CONTEXT;
}

/** What to send along; empty where nothing is traced. */
export function carrierOf(context: Context): { readonly traceparent?: string } {
  const span = trace.getSpanContext(context);
  if (span === undefined || !isSpanContextValid(span)) return {};
  return { traceparent: `00-${span.traceId}-${span.spanId}-0${span.traceFlags & 1}` };
}

/** 32 hex digits; undefined where nothing is traced. */
export function traceIdOf(context: Context): string | undefined {
  const span = trace.getSpanContext(context);
  return span !== undefined && isSpanContextValid(span) ? span.traceId : undefined;
}
