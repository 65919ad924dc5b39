/** Units of a configuration's sizes in bytes, largest first. */
const UNITS = {
  TiB: 1024 ** 4,
  TB: 1000 ** 4,
  GiB: 1024 ** 3,
  GB: 1000 ** 3,
  MiB: 1024 ** 2,
  MB: 1000 ** 2,
  KiB: 1024,
  kB: 1000,
  B: 1,
} as const;

const SIZE = /^(\d+(?:\.\d+)?)(TiB|TB|GiB|GB|MiB|MB|KiB|kB|B)$/;

/** Bytes of `512MiB`, `10GB`, `1.5GiB`; undefined where the text is no positive size. */
export function parseSize(text: string): number | undefined {
  const [, amount, unit] = SIZE.exec(text) ?? [];
  if (amount === undefined || unit === undefined) return undefined;
  const bytes = Math.round(Number(amount) * UNITS[unit as keyof typeof UNITS]);
  return bytes > 0 && Number.isSafeInteger(bytes) ? bytes : undefined;
}

/** The shortest text that {@link parseSize} reads back as just these bytes: `2GiB`, `10GB`. */
export function writeSize(bytes: number): string {
  const texts = Object.entries(UNITS)
    .filter(([, size]) => bytes % size === 0)
    .map(([unit, size]) => `${bytes / size}${unit}`);
  return texts.reduce((shortest, text) => (text.length < shortest.length ? text : shortest));
}

const PEOPLE = ['B', 'kB', 'MB', 'GB', 'TB', 'PB'] as const;

/** For people, in powers of 1000 with three digits that matter: `0 B`, `512 B`, `8.40 MB`, `12.3 GB`, `123 GB`. */
export function formatSize(bytes: number): string {
  let amount = Math.max(0, Math.round(bytes));
  let unit = 0;
  // 999.5 and more would round to four digits.
  while (amount >= (unit === 0 ? 1000 : 999.5) && unit < PEOPLE.length - 1) {
    amount /= 1000;
    unit += 1;
  }
  const digits = unit === 0 || amount >= 99.95 ? 0 : amount >= 9.995 ? 1 : 2;
  return `${amount.toFixed(digits)} ${PEOPLE[unit]}`;
}
