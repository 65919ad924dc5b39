import { execFile } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { findProgram } from '../support/find-program.js';
import { requirement } from '../support/requirement.js';
import { makeReceiptFiles, type ReceiptFiles } from './receipt-files.js';

const run = promisify(execFile);
const missing = ['openssl', 'jq', 'sha256sum'].filter((name) => findProgram(name) === undefined);

describe.runIf(
  requirement(
    'openssl recipe',
    missing.length === 0,
    `install ${missing.join(', ')} (apt-get install openssl jq)`,
  ),
)('the script of docs/verify.md, with openssl, jq and sha256sum alone', () => {
  let files: ReceiptFiles;
  let script: string;

  beforeAll(async () => {
    files = await makeReceiptFiles();
    const page = await readFile(new URL('../../docs/verify.md', import.meta.url), 'utf8');
    const [, found] = /## With openssl[\s\S]*?```sh\n([\s\S]*?)```/.exec(page) ?? [];
    if (found === undefined) throw new Error('docs/verify.md holds no script');
    script = found;
  });
  afterAll(() => files[Symbol.asyncDispose]());

  const verify = (receipt: string, key: string, artefact: string) =>
    run('sh', ['-c', script], {
      env: { PATH: process.env['PATH'], RECEIPT: receipt, KEY: key, ARTEFACT: artefact },
    });

  it('accepts a receipt with its dump, and prints what it says', async () => {
    const { stdout } = await verify(files.receipt, files.key, files.dump);
    expect(stdout).toContain('Signature Verified Successfully');
    expect(stdout).toContain('"result": "pass"');
  });

  it('accepts a receipt of a directory dump', async () => {
    const { stdout } = await verify(files.directoryReceipt, files.key, files.directoryDump);
    expect(stdout).toContain('"result": "pass"');
  });

  it('refuses another dump', async () => {
    const refused = verify(files.receipt, files.key, files.otherDump);
    await expect(refused).rejects.toMatchObject({
      code: 1,
      stderr: expect.stringContaining('not about this backup'),
    });
  });

  it('refuses another key', async () => {
    const refused = verify(files.receipt, files.otherKey, files.dump);
    await expect(refused).rejects.toMatchObject({ stdout: 'Signature Verification Failure\n' });
  });

  it('refuses a receipt with another verdict', async () => {
    const bundle = JSON.parse(await readFile(files.receipt, 'utf8'));
    const statement = Buffer.from(bundle.dsseEnvelope.payload, 'base64').toString();
    bundle.dsseEnvelope.payload = Buffer.from(statement.replace('"pass"', '"fail"')).toString('base64');
    const forged = join(files.directory, 'forged.sigstore.json');
    await writeFile(forged, JSON.stringify(bundle));
    const refused = verify(forged, files.key, files.dump);
    await expect(refused).rejects.toMatchObject({ stdout: 'Signature Verification Failure\n' });
  });
});
