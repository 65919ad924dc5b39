import { describe, expect, it } from 'vitest';
import { accounts, type Cage, cageOptions, encodeOptions, wrapOptions } from './cage-options.js';

const CAGE: Cage = {
  user: { uid: 999, gid: 998 },
  network: false,
  data: { bytes: 1000.5 * 4096 },
  socketDirectory: '/run/muster/0123456789ab/s',
  sharedMemoryBytes: 8192,
  readOnly: [{ from: '/backups/a b.dump', to: '/mnt/a b.dump' }],
};

/** The values that follow each occurrence of an option. */
const after = (options: readonly string[], option: string, count = 1): readonly string[] =>
  options.flatMap((one, at) => (one === option ? [options.slice(at + 1, at + 1 + count).join(' ')] : []));

describe('the options of a cell', () => {
  const options = cageOptions(CAGE, ['--ro-bind', '/usr', '/usr']);

  it('unshare everything, drop everything and end with the worker', () => {
    for (const option of [
      '--unshare-all',
      '--unshare-user',
      '--die-with-parent',
      '--clearenv',
      '--as-pid-1',
    ]) {
      expect(options).toContain(option);
    }
    expect(options).not.toContain('--share-net');
    expect(after(options, '--cap-drop')).toEqual(['ALL']);
    expect([after(options, '--uid'), after(options, '--gid')]).toEqual([['999'], ['998']]);
  });

  it('make nothing of the machine writable but the sockets', () => {
    expect(after(options, '--bind', 2)).toEqual(['/run/muster/0123456789ab/s /sock']);
    expect(after(options, '--ro-bind', 2)).toContain('/backups/a b.dump /mnt/a b.dump');
    expect(options.slice(-4)).toEqual(['--remount-ro', '/dev', '--remount-ro', '/']);
  });

  it('bound every tmpfs by whole bytes', () => {
    const sizes = options.filter((_, at) => options[at - 1] === '--size');
    expect(sizes.length).toBe(after(options, '--tmpfs').length);
    for (const size of sizes) expect(size).toMatch(/^[1-9]\d*$/);
    expect(options.join(' ')).toContain('--perms 0700 --size 4098048 --tmpfs /data');
  });

  it('bind a directory where the data is on disk', () => {
    const onDisk = cageOptions({ ...CAGE, data: { directory: '/state/cells/x/data' } }, []);
    expect(after(onDisk, '--bind', 2)).toContain('/state/cells/x/data /data');
    expect(after(onDisk, '--tmpfs')).not.toContain('/data');
  });

  it('share the network only where it is asked for, and show then what resolves names', () => {
    expect(cageOptions({ ...CAGE, network: true }, [])).toContain('--share-net');
    expect(after(options, '--ro-bind', 2).join('\n')).not.toMatch(/resolv|ssl|hosts/);
  });

  it('never show a private key', () => {
    const shown = after(cageOptions({ ...CAGE, network: true }, []), '--ro-bind', 2).join('\n');
    expect(shown).not.toMatch(/private|\/etc\/ssl \/etc\/ssl$|shadow/m);
  });
});

describe('the options of one process', () => {
  it('clear the environment before they set one, byte by byte', () => {
    const options = wrapOptions(
      CAGE.user,
      { ODD: 'a\nb "c"', PATH: '/x' },
      { forbidNamespaces: true, filter: true },
    );
    expect(options.indexOf('--clearenv')).toBeLessThan(options.indexOf('--setenv'));
    expect(after(options, '--setenv', 2)).toEqual(['PATH /x', 'HOME /tmp', 'ODD a\nb "c"']);
  });

  it('forbid further namespaces where bubblewrap can', () => {
    expect(wrapOptions(CAGE.user, {}, { forbidNamespaces: true, filter: false })).toContain(
      '--disable-userns',
    );
    expect(wrapOptions(CAGE.user, {}, { forbidNamespaces: false, filter: true })).not.toContain(
      '--disable-userns',
    );
  });
});

it('options are each ended by a NUL', () => {
  expect(encodeOptions(['--dir', '/a b\n'])).toBe('--dir\0/a b\n\0');
});

it('the accounts name the user that everything runs as', () => {
  expect(accounts({ uid: 26, gid: 27 }).passwd).toMatch(/^postgres:x:26:27:/);
  expect(accounts({ uid: 26, gid: 27 }).group).toMatch(/^postgres:x:27:/);
});
