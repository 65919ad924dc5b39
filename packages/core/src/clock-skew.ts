/** Clocks of several hosts may differ by so much; what lies further in the future has a wrong time. */
export const CLOCK_SKEW_MS = 5 * 60_000;

export const isFuture = (time: Date, now: Date): boolean => time.getTime() > now.getTime() + CLOCK_SKEW_MS;
