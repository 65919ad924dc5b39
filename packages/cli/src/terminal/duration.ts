/** `12 ms` `2.3 s` `4m 05s` `1h 02m`: as short as it can be read. */
export function humanDuration(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)} ms`;
  if (ms < 59_950) return `${(ms / 1000).toFixed(1)} s`;
  const seconds = Math.round(ms / 1000);
  if (seconds < 3600) return `${Math.floor(seconds / 60)}m ${two(seconds % 60)}s`;
  const minutes = Math.floor(seconds / 60);
  return `${Math.floor(minutes / 60)}h ${two(minutes % 60)}m`;
}

/** `0:04` `12:05` `1:02:03`: time left, counted down. */
export function countdown(ms: number): string {
  const seconds = Math.ceil(Math.max(0, ms) / 1000);
  const [hours, minutes] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60];
  const rest = two(seconds % 60);
  return hours > 0 ? `${hours}:${two(minutes)}:${rest}` : `${minutes}:${rest}`;
}

/** `just now` `5 minutes ago` `3 days ago`; a moment in the future is told as it is. */
export function ago(then: Date, now: Date): string {
  const seconds = Math.round((now.getTime() - then.getTime()) / 1000);
  if (seconds < -60) return 'in the future';
  if (seconds < 60) return 'just now';
  const [amount, unit] =
    seconds < 3600
      ? [seconds / 60, 'minute']
      : seconds < 2 * 86_400
        ? [seconds / 3600, 'hour']
        : [seconds / 86_400, 'day'];
  const whole = Math.floor(amount);
  return `${whole} ${unit}${whole === 1 ? '' : 's'} ago`;
}

const two = (value: number): string => String(value).padStart(2, '0');
