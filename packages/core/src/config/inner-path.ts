/** Where the server's programs and libraries are, what the kernel shows, and what Muster itself puts into a scratch. */
const CLOSED = [
  ...['/proc', '/sys', '/dev', '/etc', '/boot', '/muster', '/data', '/sock'],
  ...['/bin', '/sbin', '/lib', '/lib32', '/lib64', '/libx32'],
  ...['/usr/bin', '/usr/sbin', '/usr/lib', '/usr/lib32', '/usr/lib64', '/usr/libx32', '/usr/libexec'],
  ...['/usr/local/bin', '/usr/local/sbin', '/usr/local/lib'],
];

/** What holds much else that a server needs: something may lie below it, and nothing in its place. */
const HOLDERS = [
  ...['/usr', '/usr/local', '/usr/share', '/usr/local/share', '/var', '/var/lib', '/tmp', '/var/tmp', '/run'],
  ...[
    '/home',
    '/opt',
    '/root',
    '/srv',
    '/var/lib/postgresql',
    '/var/lib/postgresql/data',
    '/var/lib/mongodb',
  ],
];

/** `initdb` reads these directories, and what lies in them and directly beside them. */
const POSTGRES_SHARE = /^\/usr\/(?:local\/)?share\/postgresql(?:\/[^/]+){0,2}$/;

/**
 * What keeps a path from being the place of a file or directory in a scratch, as the end of a message; undefined where
 * nothing does.
 */
export function innerPathFault(path: string): string | undefined {
  if (!path.startsWith('/') || /\p{C}/u.test(path)) return 'expected an absolute path in the scratch';
  const plain = withoutEnd(path);
  if (/\/(?:\.{0,2})(?:\/|$)/.test(plain)) return 'expected a path without empty steps, . and ..';
  const closed = CLOSED.find((one) => plain === one || plain.startsWith(`${one}/`));
  if (closed !== undefined) return `the server needs ${closed} as it is: choose another place`;
  if (plain === '' || HOLDERS.includes(plain))
    return `the server needs what is in ${plain === '' ? '/' : plain}: name a place below it`;
  if (POSTGRES_SHARE.test(plain))
    return 'the server needs what is there: name each file by itself, such as /usr/share/postgresql/17/tsearch_data/shop.stop';
  return undefined;
}

/** One path has one spelling: no slash at its end. */
export const withoutEnd = (path: string): string => path.replace(/\/$/, '');
