import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { GetObjectCommand, GetObjectRetentionCommand, S3Client } from '@aws-sdk/client-s3';
import type { Statement } from '@muster/core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { findCompose } from '../setup/compose.ts';
import { commandsOf } from '../support/doc-commands.ts';
import { docker, dockerLines } from '../support/docker-cli.ts';
import { eventually } from '../support/eventually.ts';
import { musterFolder } from '../support/muster.ts';
import { canRunIn } from '../support/needs.ts';
import { requirement } from '../support/requirement.ts';
import { canServeS3 } from '../support/s3-server.ts';
import { type ComposeProject, composeProject } from './compose-project.ts';

const program = process.env['MUSTER_TEST_COMPOSE'] ?? findCompose();
const canCompose =
  canRunIn('docker') &&
  canServeS3() &&
  requirement('compose', program !== undefined, 'Docker Compose 2 is not among the plugins of docker');

const run = promisify(execFile);
const BUCKET = 'evidence';
const PAGE = 'docs/operations.md';

describe.runIf(canCompose)('docker compose up --scale worker=4', () => {
  let project: ComposeProject;
  let token: string;
  let drill: string;
  let killed: string;

  beforeAll(async () => {
    project = await composeProject(program ?? '', await configuration());
    await project.compose('up', '--detach', '--scale', 'worker=4');
    token = await project.compose('exec', '-T', 'api', 'cat', '/secrets/api/token');
    await ready();
  });
  afterAll(async () => {
    await project.close();
  });

  const curl = async (path: string, ...args: readonly string[]): Promise<string> => {
    const common = ['--silent', '--max-time', '20', '--header', `authorization: Bearer ${token}`];
    return (await run('curl', [...common, ...args, `${project.apiUrl}${path}`]).catch(() => ({ stdout: '' })))
      .stdout;
  };
  const ready = (): Promise<void> =>
    eventually('the API is ready', async () => (await curl('/readyz')).includes('"ready":true'), 60_000);
  const seen = async (): Promise<Seen> => JSON.parse(await curl(`/api/v1/drills/${drill}`)) as Seen;
  const idOf = (service: string): Promise<string> => project.compose('ps', '--quiet', service);

  it('a drill asked for with curl outlives the worker that is killed at it', async () => {
    const request = ['--json', '{"source":"shop"}'];
    drill = (JSON.parse(await curl('/api/v1/drills', ...request)) as { id: string }).id;
    await eventually('a worker asks the check', async () => (await seen()).phase === 'check', 60_000);
    killed = (await seen()).worker ?? '';
    // A worker is named after its host, and that is its container.
    await docker('kill', killed.split('-')[0] ?? '');
    await eventually('the drill ended', async () => (await seen()).state === 'ended', 100_000);
    expect((await seen()).result).toBe('pass');
  });

  it('its receipt lies locked in the S3 store, and verifies offline', async () => {
    const { receipt } = await seen();
    const at = { Bucket: BUCKET, Key: receipt.key };
    const client = await s3Client();
    const text = (await (await client.send(new GetObjectCommand(at))).Body?.transformToString()) ?? '';
    const { Retention } = await client.send(new GetObjectRetentionCommand(at));
    client.destroy();
    expect(Retention?.Mode).toBe('GOVERNANCE');
    expect(attemptsIn(text)).toMatchObject([{ worker: killed, outcome: 'lost' }, { outcome: 'pass' }]);
    const keyring = join(project.folder, 'keyring');
    await project.compose('cp', 'api:/keyring', keyring);
    const here = await musterFolder({ 'receipt.json': text });
    const command = [
      'verify',
      'receipt.json',
      '--keyring',
      keyring,
      '--artefact',
      project.dump,
      '--require-pass',
    ];
    const { exitCode, stderr } = await here.run(command);
    await here.remove();
    expect(stderr).toBe('');
    expect(exitCode).toBe(0);
  });

  it('whatever runs says that it is well', async () => {
    const unwell = async (): Promise<readonly string[]> => {
      const lines = await dockerLines('inspect', '--format', HEALTH, ...(await project.containers()));
      return lines.filter((line) => line.startsWith('running ') && !line.endsWith(' healthy'));
    };
    await eventually('all are healthy', async () => (await unwell()).length === 0, 60_000);
  });

  it('secrets are for one user alone, and made once', async () => {
    const script = 'find /secrets /keyring -type f -exec stat -c "%a %u %n" {} +';
    const modes = await project.compose('run', '--rm', '-T', '--entrypoint', 'sh', 'prepare', '-c', script);
    const secret = (name: string): string => `600 10001 /secrets/${name}`;
    const names = ['api/settings.yaml', 'api/token', 's3/access_key', 's3/secret_key', 'signing/key'];
    expect(modes.split('\n').sort()).toEqual(
      [...names.map(secret), expect.stringMatching(/^6?44 .*\.pem$/)].sort(),
    );
    expect(await project.compose('run', '--rm', '-T', 'prepare')).not.toContain('made');
  });

  it('its signing key is rotated by the commands of docs/operations.md: old and new receipts verify', async () => {
    const [, rotate = ''] = await commandsOf(PAGE, '## Rotate the signing key');
    await project.sh(rotate);
    const asking = (await commandsOf(PAGE, '## Ask for a drill')).join('');
    const fetched = /^curl .*\/receipt > .*$/m.exec(asking)?.[0] ?? '';
    const verified = async (id: string): Promise<string> => {
      const said = await project.sh(fetched, { API: project.apiUrl, TOKEN: token, ID: id });
      expect(said).toContain('✔');
      return await project.sh('jq -er .verificationMaterial.publicKey.hint receipt.json');
    };
    const old = await verified(drill);
    await expect(verified('drl_01KAG5QJ2V8Q6W9Z3T5X7Y1B4C')).rejects.toThrow();
    await project.sh('docker compose exec -T api muster drill enqueue --source shop --watch');
    const [newest] = (JSON.parse(await curl('/api/v1/drills?limit=1')) as Listed).drills;
    expect(newest?.id).not.toBe(drill);
    expect(await verified(newest?.id ?? '')).not.toBe(old);
  });

  it('is made again from its backup by the commands of docs/operations.md', async () => {
    const [save = '', bringBack = ''] = await commandsOf(PAGE, '## Back the fleet up');
    await project.sh(save);
    await project.compose('down', '--volumes');
    await project.sh(bringBack);
    await ready();
    const { receipt, result } = await seen();
    expect(result).toBe('pass');
    const client = await s3Client();
    const kept = { Bucket: BUCKET, Key: receipt.key };
    expect((await client.send(new GetObjectRetentionCommand(kept))).Retention?.Mode).toBe('GOVERNANCE');
    client.destroy();
    expect((await project.sh('docker compose exec -T api muster drill list')).match(/✔ pass/g)).toHaveLength(
      2,
    );
  });

  it('down -v takes everything away, and drills left nothing', async () => {
    await project.compose('down', '--volumes');
    expect(await project.containers()).toEqual([]);
    expect(await project.volumes()).toEqual([]);
    expect(await project.networks()).toEqual([]);
    for (const list of [
      ['ps', '--all'],
      ['volume', 'ls'],
    ])
      expect(await dockerLines(...list, '--quiet', '--filter', `label=muster.drill=${drill}`)).toEqual([]);
  });

  async function s3Client(): Promise<S3Client> {
    const secret = (name: string): Promise<string> =>
      project.compose('exec', '-T', 's3', 'cat', `/secrets/s3/${name}`);
    const address = '{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}';
    return new S3Client({
      endpoint: `http://${await docker('inspect', '--format', address, await idOf('s3'))}:7070`,
      region: 'us-east-1',
      forcePathStyle: true,
      credentials: { accessKeyId: await secret('access_key'), secretAccessKey: await secret('secret_key') },
    });
  }
});

describe.runIf(canCompose)('docker-compose.yml', () => {
  it('gives the Docker socket to the worker alone, powers to nobody else, passwords to none', async () => {
    const args = ['--file', 'docker-compose.yml', '--profile', '*', 'config', '--format', 'json'];
    const { services } = JSON.parse((await run(program ?? '', args)).stdout) as {
      services: Record<string, ServiceOf>;
    };
    const named = (wanted: (service: ServiceOf) => boolean): readonly string[] =>
      Object.entries(services).flatMap(([name, service]) => (wanted(service) ? [name] : []));
    expect(named(({ volumes = [] }) => volumes.some(({ target }) => target.endsWith('docker.sock')))).toEqual(
      ['worker'],
    );
    expect(named(({ cap_add = [] }) => cap_add.length > 0)).toEqual(['worker']);
    expect(named(({ cap_drop, read_only }) => cap_drop?.[0] !== 'ALL' || read_only !== true)).toEqual([]);
    const open = Object.values(services).flatMap(({ ports = [] }) => ports.map(({ host_ip }) => host_ip));
    expect(new Set(open)).toEqual(new Set(['127.0.0.1']));
    const variables = Object.values(services).flatMap(({ environment = {} }) => Object.keys(environment));
    expect(variables.filter((name) => /PASS|SECRET|TOKEN|KEY/.test(name))).toEqual([]);
  });

  it('is of the Node that the tests have', async () => {
    const { devDependencies } = JSON.parse(await readFile('package.json', 'utf8')) as {
      devDependencies: Record<string, string>;
    };
    expect(await readFile('Dockerfile', 'utf8')).toContain(`NODE_IMAGE=node:${devDependencies['node']}-`);
  });
});

interface Seen {
  readonly state: string;
  readonly phase?: string;
  readonly worker?: string;
  readonly result?: string;
  readonly receipt: { readonly key: string };
}

interface Listed {
  readonly drills: readonly { readonly id: string }[];
}

interface ServiceOf {
  readonly volumes?: readonly { readonly target: string }[];
  readonly ports?: readonly { readonly host_ip?: string }[];
  readonly cap_add?: readonly string[];
  readonly cap_drop?: readonly string[];
  readonly read_only?: boolean;
  readonly environment?: Readonly<Record<string, string | null>>;
}

function attemptsIn(bundle: string): Statement['predicate']['attempts'] {
  const { dsseEnvelope } = JSON.parse(bundle) as { dsseEnvelope: { payload: string } };
  const statement = JSON.parse(Buffer.from(dsseEnvelope.payload, 'base64').toString()) as Statement;
  return statement.predicate.attempts;
}

const HEALTH = '{{.State.Status}} {{.Name}} {{if .State.Health}}{{.State.Health.Status}}{{end}}';

/** That of the repository, with a check that takes its time and the images that are here. */
async function configuration(): Promise<string> {
  const text = await readFile('deploy/compose/config/muster.yaml', 'utf8');
  const query = 'SELECT count(*) AS n FROM orders, (SELECT pg_sleep(12)) AS slow';
  return `${text.replace(/restore_only: true.*/, 'checks: [orders]')}
checks: [{ id: orders, summary_sql: '${query}', expect: 'n == 1000' }]
scratch: { images: { postgres: 'muster.test/postgres:{major}' } }
`;
}
