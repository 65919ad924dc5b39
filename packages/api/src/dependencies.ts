import type { ApiPorts } from './api-ports.js';

/** What a fleet stands on: how each is asked whether it answers. It throws where it does not. */
export function dependenciesOf({
  registry,
  index,
  store,
}: {
  readonly registry: Pick<ApiPorts['registry'], 'list'>;
  readonly index: Pick<ApiPorts['index'], 'list'>;
  readonly store: Pick<ApiPorts['store'], 'list'>;
}) {
  return {
    redis: (_signal: AbortSignal): Promise<unknown> => registry.list(),
    index: (signal: AbortSignal): Promise<unknown> => index.list({ limit: 1 }, signal),
    store: async (signal: AbortSignal): Promise<void> => {
      for await (const _ of store.list('plans/', signal)) return;
    },
  } as const;
}
