import type { Plan } from '@muster/core';
import type { Attributes, Context } from '@opentelemetry/api';
import { ATTRIBUTES, SPANS } from './names.js';
import { type Carrier, carrierOf } from './traceparent.js';
import { span } from './tracing.js';

export const DB_SYSTEMS = { postgres: 'postgresql', mongodb: 'mongodb' } as const satisfies Readonly<
  Record<Plan['source']['kind'], string>
>;

/** What every span of a drill says of it. */
export function drillAttributes({ drill_id, source, pool }: Plan): Attributes {
  return {
    [ATTRIBUTES.drill]: drill_id,
    [ATTRIBUTES.source]: source.slug,
    [ATTRIBUTES.pool]: pool,
    [ATTRIBUTES.db]: DB_SYSTEMS[source.kind],
  };
}

/** What spans say that put a message into a queue or take it out of one. */
export function messagingAttributes(
  queue: string,
  operation: 'send' | 'process',
  messageId: string,
): Attributes {
  return {
    [ATTRIBUTES.messagingSystem]: 'bullmq',
    [ATTRIBUTES.destination]: queue,
    [ATTRIBUTES.operation]: operation,
    [ATTRIBUTES.messageId]: messageId,
  };
}

/**
 * Asks for a drill within its span, the one that all tries of the drill belong to: `ask` sends the carrier along with
 * its job. `parent`: of whoever asks, such as `contextOf(headers)`.
 */
export function traceRequest<T>(
  plan: Plan,
  queue: string,
  parent: Context,
  ask: (carrier: Carrier) => Promise<T>,
): Promise<T> {
  const attributes = { ...drillAttributes(plan), ...messagingAttributes(queue, 'send', plan.drill_id) };
  return span(SPANS.request, { kind: 'producer', attributes, parent }, (opened) =>
    ask(carrierOf(opened.context)),
  );
}
