const UNITS = ['B', 'kB', 'MB', 'GB', 'TB', 'PB'] as const;

/** `512 B` `8.4 MB` `1.2 TB`, in powers of 1000. */
export function humanBytes(bytes: number): string {
  let value = bytes;
  let unit = 0;
  while (value >= 999.5 && unit < UNITS.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return `${unit === 0 || value >= 99.95 ? Math.round(value) : value.toFixed(1)} ${UNITS[unit]}`;
}
