/** A line of a `postgresql.conf` that says something. */
export interface ConfigLine {
  /** In lower case. */
  readonly name: string;
  readonly value: string;
}

const LINE = /^\s*([A-Za-z_][\w$.]*)(?:\s*=\s*|\s+)(?:'((?:[^'\\]|''|\\.)*)'|([^\s#'=]+))\s*(?:#.*)?$/;

/** What a `postgresql.conf` says, in its order; lines that nobody could read are passed over. */
export const configLines = (text: string): readonly ConfigLine[] =>
  text.split('\n').flatMap((line) => {
    const [, name, quoted, plain] = LINE.exec(line) ?? [];
    if (name === undefined) return [];
    const value =
      quoted === undefined ? (plain ?? '') : quoted.replace(/''|\\(.)/g, (both, one) => one ?? both[0]);
    return [{ name: name.toLowerCase(), value }];
  });

/** The names in a value of `shared_preload_libraries`, each once, as files without their end. */
export const libraryNames = (value: string): readonly string[] => [
  ...new Set(
    value
      .split(',')
      .map((name) => name.trim().replace(/^"(.*)"$/, '$1'))
      .map((name) => name.replace(/^\$libdir\//, '').replace(/\.so$/, ''))
      .filter((name) => name !== ''),
  ),
];
