import { styleText } from 'node:util';

type Paint = (text: string) => string;

/** The few colours that the command uses; each is the identity where colour is not wanted. */
export interface Style {
  readonly bold: Paint;
  readonly dim: Paint;
  readonly good: Paint;
  readonly bad: Paint;
  readonly warn: Paint;
  readonly accent: Paint;
}

export function createStyle(colour: boolean): Style {
  const paint = (format: Parameters<typeof styleText>[0]): Paint =>
    colour
      ? (text) => (text === '' ? '' : styleText(format, text, { validateStream: false }))
      : (text) => text;
  return {
    bold: paint('bold'),
    dim: paint('dim'),
    good: paint('green'),
    bad: paint('red'),
    warn: paint('yellow'),
    accent: paint('cyan'),
  };
}

/**
 * Colour only for a person: never where `--no-color` or a non-empty `NO_COLOR` (https://no-color.org) says so, where
 * the stream is no terminal, or where the terminal is a dumb one.
 */
export function wantsColour(
  stream: { readonly isTTY?: boolean },
  env: Readonly<Record<string, string | undefined>>,
  asked: boolean,
): boolean {
  return asked && stream.isTTY === true && !env['NO_COLOR'] && env['TERM'] !== 'dumb';
}
