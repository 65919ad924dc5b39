import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { fileBytes } from './directory-store.js';
import { encrypted, writeInfo } from './info-file.fixture.js';
import { manifestDigest } from './manifest-digest.js';

const label = '20261121-131855F';
const backrest = { 'backrest-format': 5 };
const MANIFEST = writeInfo({ backrest, backup: { 'backup-label': label } });
const COPY = writeInfo({ backrest, backup: { 'backup-label': label, 'backup-type': 'full' } });
const sha256 = (bytes: string | Buffer) => `sha256:${createHash('sha256').update(bytes).digest('hex')}`;

describe('the digest of a manifest', () => {
  let path: string;
  beforeEach(async () => {
    path = await mkdtemp(join(tmpdir(), 'muster-manifest-'));
    await mkdir(join(path, 'backup', 'main', label), { recursive: true });
  });
  afterEach(() => rm(path, { recursive: true, force: true }));

  const write = (text: string | Buffer, name = 'backup.manifest') =>
    writeFile(join(path, 'backup', 'main', label, name), text);
  const digest = (manifestPassphrase?: string, signal = AbortSignal.timeout(5_000)) => {
    const set = {
      label,
      type: 'full',
      sizeBytes: 1,
      stoppedAt: new Date(0),
      serverVersion: '17',
      toolVersion: '2.55.1',
      systemId: 7,
      archiveId: '17-1',
      hasPageErrors: false,
    } as const;
    return manifestDigest(
      path,
      { stanza: 'main', set, passphrase: undefined, manifestPassphrase },
      fileBytes,
      signal,
    );
  };

  it('is that of the file, and of its copy only where it is not there', async () => {
    await write(COPY, 'backup.manifest.copy');
    expect(await digest()).toBe(sha256(COPY));
    await write(MANIFEST);
    expect(await digest()).toBe(sha256(MANIFEST));
  });

  it('of an encrypted one is that of the file as it lies there', async () => {
    const bytes = encrypted(MANIFEST, 'secret');
    await write(bytes);
    expect(await digest('secret')).toBe(sha256(bytes));
    await expect(digest('another')).rejects.toMatchObject({ code: 'corrupt' });
  });

  it.each([
    ['what is none', 'garbage\n'],
    ['one with another byte', MANIFEST.replace(label, '20261121-131855D')],
    ['one that is cut', MANIFEST.slice(0, -20)],
  ])('does not exist of %s, whatever the copy is', async (_, text) => {
    await write(COPY, 'backup.manifest.copy');
    await write(text);
    await expect(digest()).rejects.toMatchObject({ code: 'corrupt' });
  });

  it('does not exist of none', async () => {
    await expect(digest()).rejects.toMatchObject({ code: 'corrupt' });
  });

  it('is not waited for once nobody asks any more', async () => {
    await write(MANIFEST);
    await expect(digest(undefined, AbortSignal.abort())).rejects.toMatchObject({ code: 'cancelled' });
  });
});
