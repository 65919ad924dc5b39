import { styleText } from 'node:util';

type Style = Parameters<typeof styleText>[0];

const LEVEL_STYLES: Readonly<Record<string, Style>> = {
  debug: 'dim',
  info: 'green',
  warn: 'yellow',
  error: 'red',
};
const LEVEL_WIDTH = 5;
const SERVICE_WIDTH = 8;

/** One line for people out of what would be a line of JSON: time, level, service, message, and fields as key=value. */
export function prettyLine(
  { time, level, service, msg, ...fields }: Readonly<Record<string, unknown>>,
  color: boolean,
): string {
  const paint = (style: Style, text: string): string =>
    color ? styleText(style, text, { validateStream: false }) : text;
  const words = [
    paint('dim', plain(time)),
    paint(LEVEL_STYLES[plain(level)] ?? 'reset', plain(level).padEnd(LEVEL_WIDTH)),
    plain(service).padEnd(SERVICE_WIDTH),
    plain(msg),
    ...Object.entries(fields).map(([name, value]) => paint('dim', `${plain(name)}=`) + field(value)),
  ];
  return `${words.join(' ')}\n`;
}

function field(value: unknown): string {
  const text = plain(value);
  return typeof value === 'string' && (value === '' || /[\s"=\uFFFD]/.test(text))
    ? JSON.stringify(text)
    : text;
}

/** On one line, and nothing that a terminal would obey. */
const plain = (value: unknown): string =>
  String(value)
    .replace(/[\r\n\t]+/g, ' ')
    .replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, '\uFFFD');
