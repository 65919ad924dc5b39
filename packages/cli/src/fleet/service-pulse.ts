import type { ServiceName, ServiceRegistry } from '@muster/queue';

const BEAT_MS = 10_000;

/** Says every 10 s that a service lives, until it is stopped. What Redis does not hear now, it hears the next time. */
export interface ServicePulse {
  start(): void;
  /** Never throws: what was not taken back is over 30 s later. */
  stop(): Promise<void>;
}

export function servicePulse(
  services: Pick<ServiceRegistry, 'beat' | 'leave'>,
  service: ServiceName,
  instance: string,
): ServicePulse {
  let timer: NodeJS.Timeout | undefined;
  let beating: Promise<void> | undefined;
  const beat = (): void => {
    beating ??= services
      .beat(service, instance)
      .catch(() => {})
      .finally(() => {
        beating = undefined;
      });
  };
  return {
    start: () => {
      beat();
      timer ??= setInterval(beat, BEAT_MS).unref();
    },
    stop: async () => {
      if (timer === undefined) return;
      clearInterval(timer);
      // One that is under way would come after it has left.
      await beating;
      await services.leave(service, instance).catch(() => {});
    },
  };
}

/** A service that says that it lives from when it is ready until it is closed. */
export function withPulse<T extends { readonly ready: Promise<void>; close(): Promise<void> }>(
  running: T,
  pulse: ServicePulse,
): T {
  let isClosing = false;
  const ready = running.ready.then(() => {
    if (!isClosing) pulse.start();
  });
  // Whoever waits for it hears of it.
  ready.catch(() => undefined);
  return {
    ...running,
    ready,
    close: async () => {
      isClosing = true;
      await Promise.all([pulse.stop(), running.close()]);
    },
  };
}
