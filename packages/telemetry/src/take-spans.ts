import type { Plan } from '@muster/core';
import type { Attributes, Context } from '@opentelemetry/api';
import { DB_SYSTEMS, messagingAttributes } from './drill-request.js';
import { ATTRIBUTES, SPANS, takePhaseSpan } from './names.js';
import { type Carrier, carrierOf } from './traceparent.js';
import { type OpenSpan, openSpan, span } from './tracing.js';

/** What spans of a take say of it. */
export interface TracedTake {
  readonly id: string;
  readonly source: string;
  readonly kind: Plan['source']['kind'];
  readonly pool: string;
  /** Of the queue that it is in. */
  readonly queue: string;
}

const takeAttributes = ({ id, source, kind, pool }: TracedTake): Attributes => ({
  [ATTRIBUTES.take]: id,
  [ATTRIBUTES.source]: source,
  [ATTRIBUTES.pool]: pool,
  [ATTRIBUTES.db]: DB_SYSTEMS[kind],
});

/** Asks for a take within its span, whose children all its tries are: `ask` sends the carrier along with its job. */
export function traceTakeRequest<T>(
  take: TracedTake,
  parent: Context,
  ask: (carrier: Carrier) => Promise<T>,
): Promise<T> {
  const attributes = { ...takeAttributes(take), ...messagingAttributes(take.queue, 'send', take.id) };
  return span(SPANS.takeRequest, { kind: 'producer', attributes, parent }, (opened) =>
    ask(carrierOf(opened.context)),
  );
}

/** The spans of one try of a take, its phases as they begin: the end of each is the beginning of the next. */
export interface TakeSpans {
  readonly attempt: OpenSpan;
  phase(name: string): void;
  /** `outcome` is taken, failed, skipped, waiting or returned; `code` says why, where it came to no backup. */
  end(outcome: string, code?: string): void;
}

export function openTakeSpans(take: TracedTake, parent: Context, worker: string, attempt: number): TakeSpans {
  const attributes = takeAttributes(take);
  const opened = openSpan(SPANS.takeAttempt, {
    kind: 'consumer',
    parent,
    attributes: {
      ...attributes,
      ...messagingAttributes(take.queue, 'process', take.id),
      [ATTRIBUTES.worker]: worker,
      [ATTRIBUTES.attempt]: attempt,
    },
  });
  let current: { readonly name: string; readonly span: OpenSpan } | undefined;
  return {
    attempt: opened,
    phase: (name) => {
      if (current?.name === name) return;
      current?.span.end();
      const more = { ...attributes, [ATTRIBUTES.phase]: name };
      current = { name, span: openSpan(takePhaseSpan(name), { parent: opened.context, attributes: more }) };
    },
    end: (outcome, code) => {
      if (code !== undefined) for (const open of [current?.span, opened]) open?.fail(code);
      current?.span.end();
      current = undefined;
      opened.set({ [ATTRIBUTES.outcome]: outcome, ...(code && { [ATTRIBUTES.reason]: code }) });
      opened.end();
    },
  };
}
