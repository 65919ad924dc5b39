/** What a terminal obeys, or shows elsewhere than it stands. */
const UNSAFE = /[\p{Cc}\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]/gu;

/** One word for a shell. Where a hostile dump put commands for a terminal into it, they are spelt out (`$'…'` of bash and zsh). */
export function shellQuote(word: string): string {
  if (word.search(UNSAFE) < 0) return `'${word.replaceAll("'", "'\\''")}'`;
  const spelt = word
    .replace(/[\\']/g, '\\$&')
    .replace(UNSAFE, (unsafe) => `\\u${unsafe.charCodeAt(0).toString(16).padStart(4, '0')}`);
  return `$'${spelt}'`;
}
