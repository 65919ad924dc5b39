import { readdir } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { openings } from './openings.js';

describe('room in the cage below /usr', () => {
  it('is needed only for what is not there', () => {
    expect(openings(['/mnt/x', '/usr/share', '/usr/bin/env', '/var/x/y'])).toEqual({ open: [], close: [] });
  });

  it('shows the directory that is to hold it with all that is in it, and closes it again', async () => {
    const { open, close } = openings(['/usr/local/muster-none/a/b', '/usr/local/muster-none/c']);
    expect(open.slice(0, 6)).toEqual(['--perms', '0755', '--size', '1048576', '--tmpfs', '/usr/local']);
    const shown = open.filter((one) => one.startsWith('/usr/local/'));
    expect(new Set(shown)).toEqual(
      new Set((await readdir('/usr/local')).map((name) => `/usr/local/${name}`)),
    );
    expect(close).toEqual(['--remount-ro', '/usr/local']);
  });

  it('is made in what holds others first', () => {
    const { close } = openings(['/usr/share/doc/muster-none', '/usr/share/muster-none']);
    expect(close).toEqual(['--remount-ro', '/usr/share', '--remount-ro', '/usr/share/doc']);
  });
});
