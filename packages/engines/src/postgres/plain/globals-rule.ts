import { MusterError } from '@muster/core';
import type { StatementRule } from './plain-filter.js';
import type { Token } from './psql-lexer.js';

/** Settings that pg_dumpall makes at its beginning. */
const SETTINGS = new Set([
  'default_transaction_read_only',
  'client_encoding',
  'standard_conforming_strings',
  'escape_string_warning',
]);

/** The superuser that restores and asks: whatever the dump says of him, he keeps his rights. */
const OURS = 'postgres';

/**
 * What may be run of `pg_dumpall --globals-only`: statements about roles, their settings and memberships, and rights on
 * parameters, and nothing else. Left out is what is about tablespaces (a scratch has one disk), databases that are not
 * there yet, labels of providers, and the superuser of the scratch.
 */
export function globalsRule(): StatementRule {
  const superusers = new Set<string>();
  return (tokens, line) => {
    const words = tokens.map(({ kind, text }) => (kind === 'word' ? text : undefined));
    const [first, second, third, fourth] = words;
    const name = tokens[2] && isName(tokens[2]) ? tokens[2].text : undefined;
    switch (first) {
      case 'set':
        if (second !== undefined && SETTINGS.has(second)) return undefined;
        break;
      case 'create':
      case 'alter':
        if (second === 'tablespace') return 'drop';
        if (second !== 'role' || name === undefined || third === 'all') break;
        if (first === 'alter' && fourth === 'with' && words.includes('superuser')) superusers.add(name);
        if (first === 'alter' && fourth !== 'with' && fourth !== 'set' && fourth !== 'in') break;
        return name === OURS || fourth === 'in' ? 'drop' : undefined;
      case 'drop':
        if (second === 'role' || second === 'tablespace') return 'drop';
        break;
      case 'grant':
      case 'revoke': {
        const on = words.indexOf('on');
        if (words[on + 1] === 'tablespace' && on > 0) return 'drop';
        if (words[on + 1] === 'parameter' && on > 0) return undefined;
        if (on < 0 && first === 'grant') return withoutGrantor(tokens, line, superusers);
        break;
      }
      case 'comment':
        if (third === 'role') return undefined;
        if (third === 'tablespace') return 'drop';
        break;
      case 'security':
        if (second === 'label') return 'drop';
        break;
    }
    throw new MusterError(
      'unsupported_dump',
      `It holds a statement that \`pg_dumpall --globals-only\` does not write${first === undefined ? '' : ` (${first.toUpperCase()} …)`}. Write it anew, or restore it by hand.`,
    );
  };
}

/** No word that means whoever is logged in. */
const isName = ({ kind, text }: Token): boolean =>
  kind === 'ident' || (kind === 'word' && !/^(?:current_user|session_user|current_role|user)$/.test(text));

/**
 * The superuser that a cluster began with may have granted anything; here that is ours, and another superuser may not be
 * named as who granted.
 */
function withoutGrantor(
  tokens: readonly Token[],
  line: Buffer | undefined,
  superusers: ReadonlySet<string>,
): Buffer | undefined {
  const at = tokens.findIndex(
    ({ kind, text }, index) => kind === 'word' && text === 'granted' && tokens[index + 1]?.text === 'by',
  );
  const grantor = tokens[at + 2];
  if (at < 0 || grantor === undefined || line === undefined) return undefined;
  if (grantor.text === OURS || !superusers.has(grantor.text)) return undefined;
  return line.subarray(tokens[0]?.start ?? 0, tokens[at]?.start);
}
