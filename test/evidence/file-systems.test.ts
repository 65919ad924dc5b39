import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createDirectoryStore } from '@muster/evidence';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { requirement } from '../support/requirement.js';

const KEY = 'receipts/shop/2026/11/20/drl_1.sigstore.json';
const { signal } = new AbortController();

function mount(directory: string, options: string): boolean {
  return spawnSync('mount', ['-t', 'tmpfs', '-o', options, 'muster-test', directory]).status === 0;
}

function canMount(): boolean {
  const directory = mkdtempSync(join(tmpdir(), 'muster-mount-'));
  const mounted = mount(directory, 'size=64k');
  if (mounted) execFileSync('umount', [directory]);
  rmSync(directory, { recursive: true });
  return mounted;
}

describe.runIf(requirement('mount', canMount, 'only root may mount a file system'))(
  'an evidence store on',
  () => {
    let directory: string;
    let unmount: boolean;
    beforeEach(() => {
      directory = mkdtempSync(join(tmpdir(), 'muster-mount-'));
      unmount = false;
    });
    afterEach(() => {
      if (unmount) execFileSync('umount', [directory]);
      rmSync(directory, { recursive: true });
    });

    it('a full disk says so, leaves nothing, and works again once there is room', async () => {
      unmount = mount(directory, 'size=64k');
      const store = createDirectoryStore(directory);
      const tooMuch = store.putOnce(KEY, Buffer.alloc(1_000_000), signal);
      await expect(tooMuch).rejects.toMatchObject({ code: 'evidence_unwritable' });
      await expect(tooMuch).rejects.toThrow(/no space is left.*free some/);
      expect(await readdir(join(directory, 'receipts/shop/2026/11/20'))).toEqual([]);
      expect(await store.putOnce(KEY, Buffer.alloc(1000), signal)).toBe('stored');
    });

    it('a disk that is read-only says so', async () => {
      unmount = mount(directory, 'size=64k,ro');
      const store = createDirectoryStore(join(directory, 'evidence'));
      for (const attempt of [() => store.putOnce(KEY, Buffer.from('x'), signal), () => store.probe(signal)]) {
        const tried = attempt();
        await expect(tried).rejects.toMatchObject({ code: 'evidence_unwritable' });
        await expect(tried).rejects.toThrow(/mounted read-only/);
      }
    });
  },
);
