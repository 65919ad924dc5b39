import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { findProgram } from '../support/find-program.js';
import { requirement } from '../support/requirement.js';
import { makeReceiptFiles, type ReceiptFiles } from './receipt-files.js';

const cosign = process.env['MUSTER_TEST_COSIGN'] ?? findProgram('cosign');

describe.runIf(
  requirement('cosign', cosign !== undefined, 'go install github.com/sigstore/cosign/v3/cmd/cosign@latest'),
)('cosign', () => {
  let files: ReceiptFiles;
  beforeAll(async () => {
    files = await makeReceiptFiles();
  });
  afterAll(() => files[Symbol.asyncDispose]());

  /** As docs/verify.md says; a home of its own, where it finds and leaves nothing. */
  const verify = (receipt: string, key: string, ...artefact: string[]) =>
    promisify(execFile)(
      cosign ?? '',
      [
        'verify-blob-attestation',
        ...['--bundle', receipt, '--key', key],
        ...['--type', 'urn:muster:restore-drill:v1', '--insecure-ignore-tlog', ...artefact],
      ],
      { env: { HOME: files.directory }, timeout: 60_000 },
    );

  it('accepts a receipt with its dump', async () => {
    const { stderr } = await verify(files.receipt, files.key, files.dump);
    expect(stderr).toContain('Verified OK');
  });

  it('refuses another dump', async () => {
    const refused = verify(files.receipt, files.key, files.otherDump);
    await expect(refused).rejects.toMatchObject({ stderr: expect.stringMatching(/digest/) });
  });

  it('refuses another key', async () => {
    const refused = verify(files.receipt, files.otherKey, files.dump);
    await expect(refused).rejects.toMatchObject({ stderr: expect.stringMatching(/signature/) });
  });

  it('accepts a receipt of a directory dump by its digest', async () => {
    const statement = JSON.parse(await readFile(files.directoryReceipt, 'utf8')).dsseEnvelope.payload;
    const { digest } = JSON.parse(Buffer.from(statement, 'base64').toString()).subject[0];
    const by = (sha256: string) =>
      verify(files.directoryReceipt, files.key, '--digest', sha256, '--digestAlg', 'sha256');
    expect((await by(digest.sha256)).stderr).toContain('Verified OK');
    const other = createHash('sha256').digest('hex');
    await expect(by(other)).rejects.toMatchObject({ stderr: expect.stringMatching(/digest/) });
  });
});
