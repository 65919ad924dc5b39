import { chmod, chown, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createDirectoryStore } from './directory-store.js';
import type { EvidenceStore } from './evidence-store.js';
import { asUnprivileged } from './unprivileged.fixture.js';

const { signal } = new AbortController();
const KEY = 'receipts/shop/2026/11/20/drl_1.sigstore.json';
let directory: string;
let store: EvidenceStore;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'muster-store-'));
  store = createDirectoryStore(join(directory, 'evidence'));
});
afterEach(() => rm(directory, { recursive: true }));

const list = async (prefix = ''): Promise<string[]> => Array.fromAsync(store.list(prefix, signal));

/** Every file below the store, temporary ones included. */
async function files(): Promise<string[]> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map((entry) => entry.name);
}

describe('an evidence store in a directory', () => {
  it('keeps an object as it was written, at its key', async () => {
    expect(await store.putOnce(KEY, Buffer.from('first'), signal)).toBe('stored');
    expect(Buffer.from(await store.get(KEY, signal)).toString()).toBe('first');
    expect(await readFile(join(directory, 'evidence', KEY), 'utf8')).toBe('first');
    expect(await files()).toEqual(['drl_1.sigstore.json']);
  });

  it('never overwrites', async () => {
    await store.putOnce(KEY, Buffer.from('first'), signal);
    expect(await store.putOnce(KEY, Buffer.from('second'), signal)).toBe('exists');
    expect(Buffer.from(await store.get(KEY, signal)).toString()).toBe('first');
    expect(await files()).toHaveLength(1);
  });

  it('has one winner of 20 at once, whose bytes stand', async () => {
    const bodies = Array.from({ length: 20 }, (_, writer) => Buffer.alloc(100_000, writer));
    const outcomes = await Promise.all(bodies.map((body) => store.putOnce(KEY, body, signal)));
    expect(outcomes.filter((outcome) => outcome === 'stored')).toHaveLength(1);
    const stored = await store.get(KEY, signal);
    expect(bodies[outcomes.indexOf('stored')]?.equals(stored)).toBe(true);
    expect(await files()).toHaveLength(1);
  });

  it('lists keys under a prefix in the order of their bytes', async () => {
    for (const key of ['a/c', 'a-b/c', 'a/b/c', 'b', 'a/b.x', 'log/tile/0/x001/234.p/5']) {
      await store.putOnce(key, Buffer.from(key), signal);
    }
    expect(await list()).toEqual(['a-b/c', 'a/b.x', 'a/b/c', 'a/c', 'b', 'log/tile/0/x001/234.p/5']);
    expect(await list('a/')).toEqual(['a/b.x', 'a/b/c', 'a/c']);
    expect(await list('a/b')).toEqual(['a/b.x', 'a/b/c']);
    expect(await list('log/tile/0/')).toEqual(['log/tile/0/x001/234.p/5']);
    expect(await list('none/')).toEqual([]);
  });

  it('gives back any set of objects sorted', async () => {
    const segment = fc.stringMatching(/^[ab_-][ab.-]{0,2}$/);
    const key = fc
      .array(segment, { minLength: 1, maxLength: 3 })
      .map((parts) => ['k', ...parts, 'o'].join('/'));
    await fc.assert(
      fc.asyncProperty(fc.uniqueArray(key, { maxLength: 8 }), async (keys) => {
        await rm(store.location, { recursive: true, force: true });
        // `o` may be an object in one key and a directory in another: such sets no store can hold.
        fc.pre(!keys.some((one) => keys.some((another) => another.startsWith(`${one}/`))));
        await Promise.all(keys.map((one) => store.putOnce(one, Buffer.from(one), signal)));
        expect(await list('k/')).toEqual([...keys].sort());
      }),
      { numRuns: 30 },
    );
  });

  it('never lists what a dead process left behind, nor what is no object', async () => {
    await store.putOnce(KEY, Buffer.from('x'), signal);
    const beside = join(directory, 'evidence', 'receipts', 'shop', '2026', '11', '20');
    await writeFile(join(beside, '.tmp-1-left'), 'half');
    await writeFile(join(beside, 'a name.txt'), '');
    await mkdir(join(beside, '.hidden'));
    await writeFile(join(beside, '.hidden', 'x'), '');
    expect(await list()).toEqual([KEY]);
  });

  it('has nothing before the first object', async () => {
    expect(await list()).toEqual([]);
    for (const key of [KEY, 'receipts', 'other']) {
      await expect(store.get(key, signal)).rejects.toMatchObject({ code: 'evidence_not_found' });
    }
    await store.putOnce(KEY, Buffer.from('x'), signal);
    await expect(store.get('receipts', signal)).rejects.toMatchObject({ code: 'evidence_not_found' });
    await expect(store.get(`${KEY}/x`, signal)).rejects.toMatchObject({ code: 'evidence_not_found' });
  });

  it.each([
    '',
    '/',
    '..',
    '../x',
    'a/../b',
    'a//b',
    '/etc/passwd',
    'a/',
    './a',
    'a/.tmp-1',
    'a\\b',
    'a\0',
    'é',
  ])('refuses the key %j', async (key) => {
    await expect(store.putOnce(key, Buffer.from('x'), signal)).rejects.toMatchObject({ code: 'internal' });
    await expect(store.get(key, signal)).rejects.toMatchObject({ code: 'internal' });
    expect(await files()).toEqual([]);
  });

  it('writes nothing once it is told to stop', async () => {
    const stopped = AbortSignal.abort(new Error('stop'));
    await expect(store.putOnce(KEY, Buffer.from('x'), stopped)).rejects.toThrow('stop');
    await expect(store.probe(stopped)).rejects.toThrow('stop');
    await expect(store.get(KEY, stopped)).rejects.toThrow('stop');
    await expect(Array.fromAsync(store.list('', stopped))).rejects.toThrow('stop');
    expect(await readdir(directory)).toEqual([]);
  });

  it('can be probed before it exists and after, and nothing is left of that', async () => {
    await store.probe(signal);
    expect(await readdir(directory)).toEqual([]);
    await store.putOnce(KEY, Buffer.from('x'), signal);
    await store.probe(signal);
    expect(await files()).toHaveLength(1);
  });
});

describe('an evidence store that cannot be written', () => {
  const expectUnwritable = async (advice: RegExp) => {
    for (const attempt of [() => store.putOnce(KEY, Buffer.from('x'), signal), () => store.probe(signal)]) {
      const tried = attempt();
      await expect(tried).rejects.toMatchObject({ code: 'evidence_unwritable' });
      await expect(tried).rejects.toThrow(advice);
    }
  };

  it('is a file', async () => {
    await writeFile(store.location, 'x');
    await expectUnwritable(/a file is in the way/);
    await expect(list()).rejects.toMatchObject({ code: 'evidence_unwritable' });
  });

  it('is below a file', async () => {
    await writeFile(join(directory, 'file'), 'x');
    store = createDirectoryStore(join(directory, 'file', 'evidence'));
    await expectUnwritable(/a file is in the way/);
  });

  it('belongs to another, or is below what does', async () => {
    await asUnprivileged(directory, async () => {
      await chmod(directory, 0o500);
      await expectUnwritable(/no permission.*chown/);
      await chmod(directory, 0o700);
      await mkdir(store.location, { mode: 0o500 });
      await expectUnwritable(/no permission.*chown/);
    });
  });

  it('in one of its directories, which it names', async () => {
    await asUnprivileged(directory, async () => {
      const receipts = join(store.location, 'receipts/shop/2026');
      await mkdir(receipts, { recursive: true });
      await chmod(receipts, 0o500);
      await expect(store.putOnce(KEY, Buffer.from('x'), signal)).rejects.toThrow(
        'cannot be written at receipts/shop/2026/11/20/: this user has no permission',
      );
    });
  });
});

describe.runIf(process.geteuid?.() === 0)('an evidence store of another user', () => {
  it('is refused to root before anything is written, which says whose it is and how to go on', async () => {
    await mkdir(store.location);
    await chown(store.location, 65534, 65534);
    for (const attempt of [() => store.putOnce(KEY, Buffer.from('x'), signal), () => store.probe(signal)]) {
      const tried = attempt();
      await expect(tried).rejects.toMatchObject({ code: 'evidence_unwritable' });
      await expect(tried).rejects.toThrow(/belongs to nobody, .* of root: .*runuser -u nobody -- muster/);
    }
    expect(await readdir(store.location)).toEqual([]);
  });

  it('is refused to any other user, also where everybody may write', async () => {
    await mkdir(store.location);
    await chown(store.location, 4321, 4321);
    for (const mode of [0o755, 0o777]) {
      await chmod(store.location, mode);
      await asUnprivileged(directory, async () => {
        const tried = store.putOnce(KEY, Buffer.from('x'), signal);
        await expect(tried).rejects.toThrow(/belongs to the user 4321, .* of nobody: .*sudo -u '#4321'/);
      });
    }
    expect(await readdir(store.location)).toEqual([]);
  });

  it('is read by whoever may', async () => {
    await store.putOnce(KEY, Buffer.from('x'), signal);
    await chown(store.location, 65534, 65534);
    expect(await list()).toEqual([KEY]);
  });
});
