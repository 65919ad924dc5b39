import { isMusterError } from '@muster/core';
import { PsqlLexer, type Token } from './psql-lexer.js';

/** The tokens of a statement but for the `;` at its end. */
export const withoutSemicolon = (tokens: readonly Token[]): readonly Token[] => {
  const last = tokens.at(-1);
  return last?.kind === 'symbol' && last.text === ';' ? tokens.slice(0, -1) : tokens;
};

/** The statements of a piece of SQL, each as its tokens without the final `;`; it ends at what cannot be read safely. */
export function statementsOf(
  sql: string,
): readonly { readonly tokens: readonly Token[]; readonly text: string }[] {
  const lexer = new PsqlLexer();
  const bytes = Buffer.from(sql);
  const statements: { tokens: readonly Token[]; text: string }[] = [];
  for (let start = 0; start < bytes.length; ) {
    const scanned = endOfStatement(lexer, bytes, start);
    if (scanned === undefined) break;
    const tokens = withoutSemicolon(lexer.tokens);
    if (tokens.length > 0) statements.push({ tokens, text: bytes.toString('utf8', start, scanned).trim() });
    lexer.reset();
    start = scanned;
  }
  return statements;
}

/** Where the statement that begins at `start` ends. */
function endOfStatement(lexer: PsqlLexer, bytes: Buffer, start: number): number | undefined {
  try {
    const { stop, next } = lexer.scan(bytes, start);
    return stop === 'backslash' ? undefined : next;
  } catch (error) {
    if (isMusterError(error)) return undefined;
    throw error;
  }
}
