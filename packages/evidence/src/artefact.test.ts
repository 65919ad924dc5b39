import { execFileSync } from 'node:child_process';
import { createHash, createPrivateKey } from 'node:crypto';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { digestArtefact } from './artefact-digest.js';
import { loadKeyring } from './keyring.js';
import { generateKeyPair } from './keys.js';
import { createSigner } from './local-signer.js';
import { SAMPLE_DUMP, sampleStatement } from './sample-statement.fixture.js';
import { verifyReceipt } from './verify.js';

let directory: string;
const at = (...names: string[]): string => join(directory, ...names);
const digest = (path: string) => digestArtefact(path, () => {}, undefined);

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'muster-artefact-'));
});
afterEach(() => rm(directory, { recursive: true }));

/** As an auditor computes it. */
const shell = (script: string): string =>
  execFileSync('sh', ['-c', script], { cwd: directory }).toString().slice(0, 64);

describe('the digest of an artefact', () => {
  it('of a file is what sha256sum prints, and its bytes are counted', async () => {
    await writeFile(at('dump'), Buffer.alloc(3_000_000, 'x'));
    let bytes = 0;
    const hex = await digestArtefact(
      at('dump'),
      (count) => {
        bytes += count;
      },
      undefined,
    );
    expect(hex).toBe(shell('sha256sum dump'));
    expect(bytes).toBe(3_000_000);
  });

  it('of a directory is that of the sorted lines that sha256sum prints', async () => {
    await mkdir(at('dump', 'a'), { recursive: true });
    for (const name of ['toc.dat', '10.dat.gz', '9.dat.gz', 'a.dat', 'a/b', 'Z', 'ü', '\uFFFD', '😀']) {
      await writeFile(at('dump', name), name);
    }
    await symlink('toc.dat', at('dump', 'link'));
    const script =
      "cd dump && find . -type f -printf '%P\\0' | LC_ALL=C sort -z | xargs -0 -r sha256sum | sha256sum";
    expect(await digest(at('dump'))).toBe(shell(script));
  });

  it('of an empty directory is that of nothing', async () => {
    expect(await digest(directory)).toBe(createHash('sha256').digest('hex'));
  });

  it('refuses a directory with a file name that would have two meanings', async () => {
    await writeFile(at(`a\n${'0'.repeat(64)}  b`), '');
    await expect(digest(directory)).rejects.toMatchObject({ code: 'usage' });
  });

  it('of what is not there is a usage error', async () => {
    await expect(digest(at('none'))).rejects.toMatchObject({ code: 'usage' });
  });

  it('stops when told to', async () => {
    await writeFile(at('dump'), Buffer.alloc(8_000_000));
    const stop = new AbortController();
    const reading = digestArtefact(at('dump'), () => stop.abort(new Error('stop')), stop.signal);
    await expect(reading).rejects.toThrow('stop');
  });
});

describe('verification against the artefact', () => {
  it('accepts the very bytes, refuses others, and a receipt that is about none', async () => {
    const pair = generateKeyPair();
    await mkdir(at('keys'));
    await writeFile(at('keys', 'k.pem'), pair.publicKeyPem);
    await writeFile(at('dump'), SAMPLE_DUMP);
    await writeFile(at('other'), `${SAMPLE_DUMP}.`);
    const keyring = await loadKeyring(at('keys'));
    const signer = createSigner(createPrivateKey(pair.privateKeyPem));
    const verify = async (name: string, statement = sampleStatement()) => {
      const options = { keyring, artefactPath: at(name), requirePass: false };
      const { exitCode, steps } = await verifyReceipt(signer.sign(statement), options);
      return [exitCode, steps.at(-1)?.name, steps.at(-1)?.detail];
    };
    expect(await verify('dump')).toEqual([0, 'artefact', expect.stringContaining('shop/shop.dump')]);
    expect(await verify('other')).toEqual([5, 'artefact', expect.stringContaining('is not the backup')]);
    await expect(verify('none')).rejects.toMatchObject({ code: 'usage' });

    const { backup: _, restore: __, ...rest } = sampleStatement().predicate;
    const nothing = sampleStatement({
      ...rest,
      backup: undefined as never,
      restore: undefined as never,
      phases: [
        { name: 'locate', started_at: '2026-11-20T03:00:00.000Z', duration_ms: 10, outcome: 'failed' },
      ],
      checks: rest.checks.map(({ id, check_sha256, expect_sha256 }) => ({
        id,
        check_sha256,
        expect_sha256,
        verdict: 'not_run',
      })),
      attempts: rest.attempts.map((attempt) => ({ ...attempt, outcome: 'fail', reason: 'no_backup' })),
      restore_point: { kind: 'latest' },
      result: 'fail',
      reason: 'no_backup',
    });
    expect(await verify('dump', nothing)).toEqual([5, 'artefact', expect.stringContaining('no artefact')]);
  });
});
