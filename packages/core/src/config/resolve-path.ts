/**
 * The absolute path of `path`, which may be relative to the absolute `base`, without `.`, `..` and double slashes.
 * `node:path` does this too; but this room imports nothing that knows the machine.
 */
export function resolvePath(base: string, path: string): string {
  const parts: string[] = [];
  for (const part of (path.startsWith('/') ? path : `${base}/${path}`).split('/')) {
    if (part === '..') parts.pop();
    else if (part !== '' && part !== '.') parts.push(part);
  }
  return `/${parts.join('/')}`;
}
