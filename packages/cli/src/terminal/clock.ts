/** `0:04` `12:05` `1:02:03`: time left, counted down. */
export function countdown(ms: number): string {
  const seconds = Math.ceil(Math.max(0, ms) / 1000);
  const [hours, minutes] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60];
  const rest = `${two(minutes)}:${two(seconds % 60)}`;
  return hours > 0 ? `${hours}:${rest}` : rest.replace(/^0/, '');
}

const UNITS = [
  { word: 'day', ms: 86_400_000 },
  { word: 'hour', ms: 3_600_000 },
  { word: 'minute', ms: 60_000 },
] as const;

/** `just now` `5 minutes ago` `3 days ago`. */
export function ago(then: Date, now: Date): string {
  const ms = now.getTime() - then.getTime();
  if (ms < -60_000) return 'in the future';
  const unit = UNITS.find((each) => ms >= each.ms);
  if (unit === undefined) return 'just now';
  const amount = Math.floor(ms / unit.ms);
  return `${amount} ${unit.word}${amount === 1 ? '' : 's'} ago`;
}

const two = (value: number): string => String(value).padStart(2, '0');
