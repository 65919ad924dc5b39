import { execFile } from 'node:child_process';
import { cp, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type DrillProject, drillProject } from '../support/drill-project.ts';
import { dumpServer } from '../support/dumps.ts';
import { findProgram } from '../support/find-program.ts';
import { canRunIn } from '../support/needs.ts';
import { requirement } from '../support/requirement.ts';

const cosign = process.env['MUSTER_TEST_COSIGN'] ?? findProgram('cosign');
const CHECKS = { names: ['SELECT COUNT(*) AS n FROM names', 'n == 3'] } as const;

describe.runIf(canRunIn('docker'))('the receipt of a real drill', () => {
  let folder: string;
  let project: DrillProject;
  let key: string;
  const dump = () => join(project.dumps, 'shop.dump');
  const other = () => join(folder, 'other.dump');
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'muster-signed-'));
    const server = await dumpServer(15);
    try {
      await server.sql('postgres', 'CREATE DATABASE signed');
      await server.sql('signed', 'CREATE TABLE names AS SELECT n FROM generate_series(1, 3) AS n');
      project = await drillProject({ isolation: 'docker', checks: CHECKS });
      await server.dump('signed', 'custom', dump());
      await server.sql('signed', 'INSERT INTO names VALUES (4)');
      await server.dump('signed', 'custom', other());
    } finally {
      await server.close();
    }
    expect(await project.drill()).toMatchObject({ exitCode: 0 });
    const [pem = ''] = await readdir(join(project.folder, 'keys'));
    key = join(project.folder, 'keys', pem);
  });
  afterAll(async () => {
    await project?.remove();
    await rm(folder, { recursive: true, force: true });
  });

  const verify = async (...args: readonly string[]) =>
    (await project.muster(['verify', 'receipt-1.json', '--keyring', 'keys', ...args])).exitCode;

  it('verifies, with its dump and its configuration, and not with another dump', async () => {
    expect(await verify('--artefact', dump(), '--config', 'muster.yaml', '--require-pass')).toBe(0);
    expect(await verify('--artefact', other())).toBe(5);
  });

  it('does not match a configuration whose check was edited', async () => {
    await cp(join(project.folder, 'muster.yaml'), join(project.folder, 'before.yaml'));
    const edited =
      'sources: [{ slug: shop, kind: postgres, backup: { type: dump, location: dumps }, checks: [names] }]\n';
    const checks = 'checks: [{ id: names, summary_sql: SELECT 3 AS n, expect: "n == 3" }]\n';
    await writeFile(join(project.folder, 'muster.yaml'), edited + checks);
    expect(await verify('--config', 'muster.yaml')).toBe(5);
    await cp(join(project.folder, 'before.yaml'), join(project.folder, 'muster.yaml'));
  });

  it.runIf(
    requirement('cosign', cosign !== undefined, 'go install github.com/sigstore/cosign/v3/cmd/cosign@latest'),
  )('is accepted by cosign with its dump, and refused with another', async () => {
    const bundle = join(project.folder, 'receipt-1.json');
    const options = ['--bundle', bundle, '--key', key, '--type', 'urn:muster:restore-drill:v1'];
    const ask = (artefact: string) =>
      promisify(execFile)(
        cosign ?? '',
        ['verify-blob-attestation', ...options, '--insecure-ignore-tlog', artefact],
        { env: { HOME: folder }, timeout: 60_000 },
      );
    expect((await ask(dump())).stderr).toContain('Verified OK');
    await expect(ask(other())).rejects.toMatchObject({ stderr: expect.stringMatching(/digest/) });
  });
});
