import { isMusterError } from '@muster/core';
import {
  type Attributes,
  type Context,
  context,
  type Span,
  SpanKind,
  SpanStatusCode,
  type TimeInput,
  trace,
} from '@opentelemetry/api';
import { ATTRIBUTES } from './names.js';
import { withSpanId } from './span-id.js';
import { traceIdOf } from './traceparent.js';

const KINDS = {
  internal: SpanKind.INTERNAL,
  client: SpanKind.CLIENT,
  producer: SpanKind.PRODUCER,
  consumer: SpanKind.CONSUMER,
} as const;

export interface SpanOptions {
  readonly attributes?: Attributes;
  /** Absent = whatever is active here. */
  readonly parent?: Context;
  /** Absent = internal. */
  readonly kind?: keyof typeof KINDS;
  /** Absent = now. */
  readonly startTime?: TimeInput;
  /** 16 hex digits. Absent = random. */
  readonly spanId?: string;
}

/** A span under way. Without an SDK all of it does nothing, but that it carries on a trace of somebody else. */
export interface OpenSpan {
  /** For what is part of it. */
  readonly context: Context;
  set(attributes: Attributes): void;
  /** It failed: a code, never a message. It still has to be ended. */
  fail(code: string): void;
  end(at?: TimeInput): void;
  /** False where nobody will see it. */
  isRecording(): boolean;
}

/** A span whose end is somebody's duty: prefer {@link span}. */
export function openSpan(name: string, options: SpanOptions = {}): OpenSpan {
  const { attributes = {}, parent = context.active(), kind = 'internal', startTime, spanId } = options;
  const tracer = trace.getTracer('muster');
  const begin = (): Span =>
    tracer.startSpan(
      name,
      { attributes, kind: KINDS[kind], ...(startTime !== undefined && { startTime }) },
      parent,
    );
  const opened = spanId === undefined ? begin() : withSpanId(spanId, begin);
  return {
    context: trace.setSpan(parent, opened),
    set: (more) => void opened.setAttributes(more),
    fail: (code) => {
      opened.setAttribute(ATTRIBUTES.errorType, code);
      opened.setStatus({ code: SpanStatusCode.ERROR });
    },
    end: (at) => opened.end(at),
    isRecording: () => opened.isRecording(),
  };
}

/** Runs `work` as a span, which is active in it. What it throws is noted on the span by its code alone, and thrown on. */
export async function span<T>(
  name: string,
  options: SpanOptions,
  work: (span: OpenSpan) => Promise<T>,
): Promise<T> {
  const opened = openSpan(name, options);
  try {
    return await inContext(opened.context, () => work(opened));
  } catch (error) {
    opened.fail(codeOf(error));
    throw error;
  } finally {
    opened.end();
  }
}

/** Notes on the active span, if there is one, that it failed: a code, never a message. */
export function failActive(code: string): void {
  const active = trace.getActiveSpan();
  active?.setAttribute(ATTRIBUTES.errorType, code);
  active?.setStatus({ code: SpanStatusCode.ERROR });
}

/** Runs `work` where `active` is the active context: its log lines and spans belong to that trace. */
export function inContext<T>(active: Context, work: () => T): T {
  return context.with(active, work);
}

/** 16 hex digits. */
export const spanIdOf = ({ context: own }: OpenSpan): string => trace.getSpanContext(own)?.spanId ?? '';

/** Of what runs here, for what it starts. */
export const activeContext = (): Context => context.active();

/** Of what runs here; undefined where nothing is traced. */
export const activeTraceId = (): string | undefined => traceIdOf(context.active());

/** A MusterError's code; of any other just what it is called, for its message may hold secrets. */
export function codeOf(error: unknown): string {
  if (isMusterError(error)) return error.code;
  return error instanceof Error ? error.name : '_OTHER';
}
