import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { link, readdir, readFile, rename, stat, unlink } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createDirectoryCompanion } from './directory-companion.js';

const { signal } = new AbortController();
/** What the documentation tells auditors to run. */
const AUDIT = "find -L . -type f -printf '%P\\0' | LC_ALL=C sort -z | xargs -0 -r sha256sum | sha256sum";

let folder: string;
let models: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'muster-companion-'));
  models = join(folder, 'models');
  mkdirSync(join(models, 'deep/er'), { recursive: true });
  put('a.bin', 'a');
  put('deep/b.bin', 'bb');
  put('deep/er/é "c" x', 'ccc');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const put = (path: string, text: string): void => writeFileSync(join(models, path), text, { mode: 0o644 });
const room = (mostBytes = 100) => ({ directory: join(folder, 'spool/0'), mostBytes });
const fetched = async (from = models, mostBytes = 100) =>
  await createDirectoryCompanion(from).fetch(room(mostBytes), () => {}, signal);
const audited = (directory = models): string =>
  `sha256:${execFileSync('bash', ['-c', AUDIT], { cwd: directory, encoding: 'utf8' }).slice(0, 64)}`;

describe('a companion that is a directory', () => {
  it('is shown where it lies, with the digest that an auditor makes', async () => {
    const seen: (readonly number[])[] = [];
    const companion = createDirectoryCompanion(models);
    expect(companion.location).toBe(`file://${models}`);
    const told = await companion.fetch(room(0), (...bytes) => seen.push(bytes), signal);
    expect(told).toMatchObject({ path: models, files: 3, sizeBytes: 6, sha256: audited() });
    expect(seen.at(-1)).toEqual([6, 6]);
    await told.unchanged(signal);
  });

  it('may have links within it, which count as what they lead to', async () => {
    symlinkSync('../a.bin', join(models, 'deep/link'));
    symlinkSync('deep', join(models, 'other'));
    expect(await fetched()).toMatchObject({ path: models, files: 7, sizeBytes: 13, sha256: audited() });
  });

  it.each([
    ['a file that only its owner may read', () => chmodSync(join(models, 'deep/b.bin'), 0o600)],
    ['a directory that only its owner may list', () => chmodSync(join(models, 'deep'), 0o711)],
    ['an absolute link', () => symlinkSync(join(models, 'a.bin'), join(models, 'deep/link'))],
    ['a link by way of what holds it', () => symlinkSync('../../models/a.bin', join(models, 'deep/link'))],
  ])('is copied where it has %s', async (_what, spoil) => {
    spoil();
    const told = await fetched();
    expect(told).toMatchObject({ path: join(folder, 'spool/0/copy'), sha256: audited() });
    expect(audited(told.path)).toBe(told.sha256);
    for (const entry of await readdir(told.path, { recursive: true, withFileTypes: true })) {
      const { mode } = await stat(join(entry.parentPath, entry.name));
      expect([entry.name, entry.isSymbolicLink(), mode & 0o777]).toEqual([
        entry.name,
        false,
        entry.isDirectory() ? 0o755 : 0o644,
      ]);
    }
    put('a.bin', 'other');
    await told.unchanged(signal);
  });

  it('is not copied where there is no room for it', async () => {
    chmodSync(join(models, 'a.bin'), 0o600);
    await expect(fetched(models, 5)).rejects.toMatchObject({ code: 'scratch_disk_full' });
  });

  it.each([
    ['is absent', () => rmSync(models, { recursive: true })],
    [
      'has no file in it',
      () => ['a.bin', 'deep'].map((name) => rmSync(join(models, name), { recursive: true })),
    ],
  ])('is missing where it %s', async (_what, spoil) => {
    spoil();
    const code = 'companion_missing';
    await expect(createDirectoryCompanion(models).look(room(), signal)).rejects.toMatchObject({ code });
    await expect(fetched()).rejects.toMatchObject({ code });
  });

  it.each([
    ['out/of-it leads out of it', () => symlinkSync('/etc', join(models, 'out'))],
    ['the link deep/x in it leads out of it', () => symlinkSync('../../other', join(models, 'deep/x'))],
    ['the link x in it leads nowhere', () => symlinkSync('gone', join(models, 'x'))],
    ['the link x in it leads nowhere', () => symlinkSync('x', join(models, 'x'))],
    ['the link deep/x leads back to what it lies in', () => symlinkSync('..', join(models, 'deep/x'))],
    ['deep/x is no file or directory', () => execFileSync('mkfifo', [join(models, 'deep/x')])],
    ['a line break or a backslash', () => put('a\nb', '')],
    ['a line break or a backslash', () => put('a\\b', '')],
    ['is no UTF-8', () => execFileSync('bash', ['-c', "touch $'\\xff'"], { cwd: models })],
  ])('cannot be used, and says why: %s', async (why, spoil) => {
    writeFileSync(join(folder, 'other'), 'secret');
    spoil();
    const message = expect.stringContaining(why.replace('out/of-it', 'out in it'));
    await expect(fetched()).rejects.toMatchObject({ code: 'companion_unusable', message });
  });

  it('cannot be used with a socket in it', async () => {
    const server = createServer().listen(join(models, 's'));
    await new Promise((resolve) => server.once('listening', resolve));
    await expect(fetched()).rejects.toMatchObject({ code: 'companion_unusable' });
    server.close();
  });

  it.each([
    ['a file is written to', () => put('a.bin', 'more')],
    ['a file is there now', () => put('deep/new', '')],
    ['a file is gone', () => unlink(join(models, 'a.bin'))],
    ['a file is another', () => rename(join(models, 'a.bin'), join(models, 'deep/b.bin'))],
    ['a pipe is there now', () => execFileSync('mkfifo', [join(models, 'pipe')])],
    ['it is gone', () => rename(models, join(folder, 'elsewhere'))],
    [
      'it is another',
      async () => {
        await rename(models, join(folder, 'elsewhere'));
        symlinkSync('elsewhere', models);
      },
    ],
  ])('has changed where since it was read %s', async (_what, change) => {
    const told = await fetched();
    await change();
    await expect(told.unchanged(signal)).rejects.toMatchObject({ code: 'backup_changed' });
  });

  it('is found to change while it is read', async () => {
    const reading = createDirectoryCompanion(models).fetch(
      room(),
      () => put('deep/er/é "c" x', 'more'),
      signal,
    );
    await expect(reading).rejects.toMatchObject({ code: 'backup_changed' });
  });

  it('is read no further once the drill is cancelled', async () => {
    const stop = new AbortController();
    const reading = createDirectoryCompanion(models).fetch(room(), () => stop.abort(), stop.signal);
    await expect(reading).rejects.toThrow('aborted');
  });
});

describe('a companion that is a file', () => {
  it('has the digest of its bytes, and may be reached by a link', async () => {
    symlinkSync('models/a.bin', join(folder, 'link'));
    const told = await fetched(join(folder, 'link'));
    expect(told).toMatchObject({ path: join(models, 'a.bin'), files: 1, sizeBytes: 1 });
    expect(told.sha256).toBe('sha256:ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb');
  });

  it('is copied where only its owner may read it', async () => {
    chmodSync(join(models, 'a.bin'), 0o400);
    const { path } = await fetched(join(models, 'a.bin'));
    expect(path).toBe(join(folder, 'spool/0/copy'));
    expect(await readFile(path, 'utf8')).toBe('a');
    expect((await stat(path)).mode & 0o777).toBe(0o644);
  });

  it('of two names is read once', async () => {
    await link(join(models, 'a.bin'), join(models, 'deep/a.bin'));
    expect(await fetched()).toMatchObject({ files: 4, sizeBytes: 7, sha256: audited() });
  });

  it('is no device', async () => {
    await expect(fetched('/dev/zero')).rejects.toMatchObject({ code: 'companion_unusable' });
  });
});
