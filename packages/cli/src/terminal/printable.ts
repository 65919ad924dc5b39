import stringWidth from 'string-width';

/**
 * Text of unknown origin (a row of a hostile dump, a server's message) made harmless for a terminal: control
 * characters, escape sequences and directional overrides are shown, not obeyed.
 */
export function printable(text: string): string {
  return text.replace(UNSAFE, (character) => {
    const named = NAMED.get(character);
    return named ?? `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`;
  });
}

/** The same for text of several lines: line ends and tabs stay. */
export function printableLines(text: string): string {
  return text
    .split(/\r?\n/)
    .map((line) => line.split('\t').map(printable).join('\t'))
    .join('\n');
}

/** Cut to `width` columns of a terminal, with an ellipsis where something is missing. */
export function cutTo(text: string, width: number): string {
  if (stringWidth(text) <= width) return text;
  let kept = '';
  for (const { segment } of graphemes.segment(text)) {
    if (stringWidth(kept + segment) > width - 1) break;
    kept += segment;
  }
  return `${kept}…`;
}

/** Filled up with spaces to `width` columns of a terminal; colours count nothing. */
export function padEnd(text: string, width: number): string {
  return text + ' '.repeat(Math.max(0, width - stringWidth(text)));
}

const graphemes = new Intl.Segmenter();
const UNSAFE = /[\p{Cc}\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]/gu;
const NAMED = new Map([
  ['\n', '\\n'],
  ['\r', '\\r'],
  ['\t', '\\t'],
]);
