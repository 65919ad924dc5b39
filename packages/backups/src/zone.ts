/** Making one is slow, and a listing asks thousands of times. */
const formats = new Map<string, Intl.DateTimeFormat>();

/** The moment at which clocks of a zone (IANA) showed this; of an hour that they showed twice, one of both. */
export function inZone(shown: Date, zone: string): Date {
  const guess = shown.getTime() - offsetAt(shown.getTime(), zone);
  return new Date(shown.getTime() - offsetAt(guess, zone));
}

/** By how much its clocks are ahead of UTC, in ms. */
function offsetAt(time: number, zone: string): number {
  const second = Math.floor(time / 1000) * 1000;
  const parts = formatOf(zone).formatToParts(second);
  const [year = 0, month = 1, day, hour, minute, seconds] = FIELDS.map((field) =>
    Number(parts.find(({ type }) => type === field)?.value),
  );
  return Date.UTC(year, month - 1, day, hour, minute, seconds) - second;
}

const FIELDS = ['year', 'month', 'day', 'hour', 'minute', 'second'] as const;

function formatOf(zone: string): Intl.DateTimeFormat {
  const known = formats.get(zone);
  if (known !== undefined) return known;
  const digits = '2-digit';
  const made = new Intl.DateTimeFormat('en-US', {
    timeZone: zone,
    calendar: 'gregory',
    hourCycle: 'h23',
    year: 'numeric',
    month: digits,
    day: digits,
    hour: digits,
    minute: digits,
    second: digits,
  });
  formats.set(zone, made);
  return made;
}
