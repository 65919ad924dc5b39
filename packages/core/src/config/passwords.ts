import { type Fault, faultAt, type Path } from './fault.js';
import { stringOf, type YamlTree } from './yaml-tree.js';

/** Passwords in URIs, wherever they are but in the questions themselves. They are never echoed. */
export function passwordFaults(tree: YamlTree, path: Path): Fault[] {
  if (tree.kind === 'list')
    return tree.items.flatMap((item, index) => passwordFaults(item, [...path, index]));
  if (tree.kind === 'map') {
    return [...tree.entries].flatMap(([key, { value }]) =>
      path[0] === 'checks' && path.length === 2 ? [] : passwordFaults(value, [...path, key]),
    );
  }
  if (!holdsPassword(stringOf(tree) ?? '')) return [];
  const message =
    'a password is written here: put the URI into an environment variable or a file, and write env:NAME or file:PATH';
  return [faultAt(tree.offset, path, message)];
}

function holdsPassword(text: string): boolean {
  return (
    /^\s*[a-z][a-z0-9+.-]*:\/\/[^\s/@]*:[^\s]*@/i.test(text) ||
    /(?:^|[\s?&;])(?:password|passwd|pwd)\s*=\s*\S/i.test(text)
  );
}
