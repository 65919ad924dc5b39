import { rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { newDrillId } from '@muster/core';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { type MusterFolder, musterFolder } from '../support/muster.ts';
import { signedReceipt } from './signed-receipt.ts';

const CONFIG = `sources:
  - slug: shop
    kind: postgres
    backup: { type: dump, location: dumps }
    checks: [orders]
checks:
  - { id: orders, summary_sql: SELECT 1 AS n, expect: "n == 1" }
`;

let here: MusterFolder;
beforeEach(async () => {
  here = await musterFolder({ 'muster.yaml': CONFIG });
});
afterEach(() => here.remove());

const json = async (...args: string[]) => JSON.parse((await here.run([...args, '--json'])).stdout);

it('a key pair is made once: private for its owner, public in the keyring', async () => {
  const made = await json('keys', 'generate');
  expect((await stat(made.private_key)).mode & 0o777).toBe(0o600);
  expect(made.public_key).toBe(join(here.folder, 'keys', `${made.key_id}.pem`));
  expect(await here.read(`keys/${made.key_id}.pem`)).toContain('BEGIN PUBLIC KEY');
  expect(await here.run(['keys', 'generate'])).toMatchObject({
    exitCode: 2,
    stderr: expect.stringContaining('never overwritten'),
  });

  const other = await json('keys', 'generate', '--out', 'other.key');
  expect((await stat(join(here.folder, 'other.key'))).mode & 0o777).toBe(0o600);
  const { keys } = await json('keys', 'list');
  expect(keys).toHaveLength(2);
  expect(keys).toContainEqual({ key_id: made.key_id, path: made.public_key, signs_here: true });
  expect(keys).toContainEqual({ key_id: other.key_id, path: other.public_key, signs_here: false });
});

it('which key signs here is said not to be known, and why, where its file cannot be read', async () => {
  const made = await json('keys', 'generate', '--out', 'fleet.key');
  const named = async (key: string) =>
    here.write('muster.yaml', `${CONFIG}signing: { key: "file:${key}" }\n`);
  await named('absent.key');
  const { exitCode, stdout, stderr } = await here.run(['keys', 'list']);
  expect(exitCode).toBe(0);
  expect(stdout).toContain(made.key_id);
  expect(stdout).not.toContain('signs here');
  expect(stderr).toMatch(
    /^Which of them signs here is not known\. The signing key .*absent\.key cannot be read.*\n$/,
  );
  await named('fleet.key');
  expect((await here.run(['keys', 'list'])).stdout).toContain('signs here');
  await rm(made.public_key);
  expect((await here.run(['keys', 'list'])).stderr).toBe(
    `The key that signs here is not among them: ${made.key_id}.\n`,
  );
});

it('a key that is made is advised into the place that the configuration names, else the configuration to the key', async () => {
  const advice = async (out: string) => (await here.run(['keys', 'generate', '--out', out])).stdout;
  expect(await advice('first.key')).toContain(`signing: { key: "file:${join(here.folder, 'first.key')}" }`);
  await here.write('muster.yaml', `${CONFIG}signing: { key: file:/run/secrets/signing.key }\n`);
  const placed = await advice('second.key');
  expect(placed).toContain('signs with file:/run/secrets/signing.key: to sign with this key, put it there.');
  expect(placed).not.toContain('signing: {');
  await here.write('muster.yaml', `${CONFIG}signing: { key: file:third.key }\n`);
  expect(await advice('third.key')).toContain('The configuration signs with it.');
});

it('a private key is not made among public ones, and one that lies there is told of before the drill', async () => {
  const refused = await here.run(['keys', 'generate', '--out', 'keys/private.pem']);
  expect(refused).toMatchObject({ exitCode: 64, stderr: expect.stringContaining('outside of it') });
  const made = await json('keys', 'generate', '--out', 'own.key');
  await here.write('keys/private.pem', await here.read('own.key'));
  await here.write('muster.yaml', `${CONFIG}signing: { key: "file:${made.private_key}" }\n`);
  const { stderr } = await here.run(['drill', 'run']);
  expect(stderr).toMatch(/keys\/private\.pem is a private key, and public keys belong here: move it away/);
  expect(stderr).not.toContain('not in the keyring');
});

it('a private key is never printed', async () => {
  const { private_key } = await json('keys', 'generate');
  const secret = (await here.read('state/signing.key')).split('\n')[1] ?? '';
  expect(private_key).toBe(join(here.folder, 'state/signing.key'));
  for (const args of [
    ['keys', 'list'],
    ['config', 'show'],
  ])
    expect((await here.run(args)).stdout).not.toContain(secret);
});

it('a receipt verifies, each step told; a changed byte, an unknown key and a bad file do not', async () => {
  const receipt = await signedReceipt(here, 'pass');
  await here.write('good.json', receipt.text);
  const good = await here.run(['verify', 'good.json']);
  expect(good).toMatchObject({ exitCode: 0, stderr: '' });
  expect(good.stdout.match(/^ {2}✔ \w+/gm)).toHaveLength(5);
  expect(good.stdout).toContain('authentic');

  await here.write('changed.json', receipt.text.replace('"payload":"e', '"payload":"f'));
  expect(await here.run(['verify', 'changed.json'])).toMatchObject({ exitCode: 1 });
  await here.write('junk.json', '{}');
  expect(await here.run(['verify', 'junk.json'])).toMatchObject({ exitCode: 2 });
  const worst = await json('verify', 'good.json', 'junk.json', 'changed.json');
  expect(worst).toMatchObject({
    exit_code: 1,
    receipts: [{ exit_code: 0 }, { exit_code: 2 }, { exit_code: 1 }],
  });

  const stranger = await json('keys', 'generate', '--out', 'stranger.key');
  expect(await here.run(['verify', 'good.json', '--key', stranger.public_key])).toMatchObject({
    exitCode: 1,
  });
  expect(await here.run(['verify', 'good.json', '--key', receipt.publicKey])).toMatchObject({ exitCode: 0 });
});

it('a bad file in the keyring is named by every command, and hides no receipt of the good ones', async () => {
  const { text, drillId } = await signedReceipt(here, 'pass');
  await here.write('receipt.json', text);
  await here.write(`evidence/receipts/shop/2026/11/20/${drillId}.sigstore.json`, text);
  await here.write('keys/notes.pem', 'not a key');
  const stderr = expect.stringMatching(
    /keys\/notes\.pem is not a key in PEM\. Remove it, or put an Ed25519 public key in its place/,
  );
  for (const args of [
    ['verify', 'receipt.json'],
    ['keys', 'list'],
    ['drill', 'list'],
    ['drill', 'show', drillId],
  ])
    expect(await here.run(args)).toMatchObject({ exitCode: 0, stderr });
  expect(await json('keys', 'list')).toMatchObject({
    keys: [{ signs_here: true }],
    faults: [{ path: join(here.folder, 'keys/notes.pem'), code: 'key_invalid' }],
  });
  const { findings } = await json('doctor');
  expect(findings).toContainEqual({
    subject: 'keyring',
    outcome: 'fault',
    detail: expect.stringContaining('notes.pem is not a key'),
  });
});

it('what a receipt is held against must match', async () => {
  const { text } = await signedReceipt(here, 'fail');
  await here.write('receipt.json', text);
  expect(await here.run(['verify', 'receipt.json'])).toMatchObject({ exitCode: 0 });
  expect(await here.run(['verify', 'receipt.json', '--require-pass'])).toMatchObject({ exitCode: 6 });
  await here.write('some.dump', 'other bytes');
  expect(await here.run(['verify', 'receipt.json', '--artefact', 'some.dump'])).toMatchObject({
    exitCode: 5,
  });
  await here.write('some.dump', 'the bytes of the backup');
  expect(await here.run(['verify', 'receipt.json', '--artefact', 'some.dump'])).toMatchObject({
    exitCode: 0,
  });
  expect(await here.run(['verify', 'receipt.json', '--config', 'muster.yaml'])).toMatchObject({
    exitCode: 0,
  });
  await here.write('muster.yaml', CONFIG.replace('n == 1', 'n == 2'));
  expect(await here.run(['verify', 'receipt.json', '--config', 'muster.yaml'])).toMatchObject({
    exitCode: 5,
  });
});

it('what keeps it from verifying at all is usage', async () => {
  const { text } = await signedReceipt(here, 'pass');
  await here.write('receipt.json', text);
  expect(await here.run(['verify', 'absent.json'])).toMatchObject({
    exitCode: 64,
    stderr: expect.stringMatching(/absent\.json cannot be read: there is no such file\.\n$/),
  });
  expect(await here.run(['verify', 'receipt.json', '--keyring', 'nowhere'])).toMatchObject({ exitCode: 64 });
  expect(await here.run(['verify', 'receipt.json', '--key', 'a', '--keyring', 'b'])).toMatchObject({
    exitCode: 64,
  });
});

it('drills are listed and shown from the evidence store, and one that does not verify says so', async () => {
  const { text, drillId } = await signedReceipt(here, 'fail');
  const path = `evidence/receipts/shop/2026/11/20/${drillId}.sigstore.json`;
  await here.write(path, text);
  expect((await json('drill', 'list')).drills).toMatchObject([
    { drill_id: drillId, result: 'fail', authentic: true },
  ]);
  const shown = await here.run(['drill', 'show', drillId]);
  expect(shown).toMatchObject({ exitCode: 0 });
  expect(shown.stdout).toContain('✖ FAIL  check_failed');
  expect(await json('drill', 'show', drillId)).toMatchObject({ predicate: { drill_id: drillId } });

  await here.write(path, text.replace('"payload":"e', '"payload":"f'));
  expect((await json('drill', 'list')).drills).toMatchObject([{ drill_id: drillId, authentic: false }]);
  expect(await here.run(['drill', 'show', drillId])).toMatchObject({ exitCode: 2, stdout: '' });
  expect(await here.run(['drill', 'show', 'drl_01JD0000000000000000000000'])).toMatchObject({ exitCode: 2 });
  expect(await here.run(['drill', 'show', 'shop'])).toMatchObject({ exitCode: 64 });
});

it('drills are listed and shown without their fleet, and that it could not be asked is said at once', async () => {
  const { text, drillId } = await signedReceipt(here, 'pass');
  await here.write(`evidence/receipts/shop/2026/11/20/${drillId}.sigstore.json`, text);
  const env = { MUSTER_REDIS_URL: 'redis://127.0.0.1:1' };
  const began = performance.now();
  const listed = await here.run(['drill', 'list'], env);
  expect(performance.now() - began).toBeLessThan(7_000);
  expect(listed).toMatchObject({ exitCode: 0, stdout: expect.stringContaining(drillId) });
  expect(listed.stderr).toMatch(
    /^What is under way is not known, .* Redis at 127\.0\.0\.1:1 is not reached.*\n$/,
  );
  expect(await here.run(['drill', 'show', drillId], env)).toMatchObject({ exitCode: 0, stderr: '' });
  expect(await here.run(['drill', 'show', drillId.replace('drl_01', 'drl_02')], env)).toMatchObject({
    exitCode: 2,
    stderr: expect.stringMatching(/^What is under way is not known.*\nmuster: There is no receipt/),
  });
});

it('what tools printed is shown where the drill ran, and nowhere else', async () => {
  const drillId = 'drl_01JD0000000000000000000000';
  await here.write(`state/output/${drillId}.log`, 'pg_restore: error: \u001b[31mred\n');
  expect(await here.run(['drill', 'show', drillId, '--output'])).toMatchObject({
    exitCode: 0,
    stdout: 'pg_restore: error: \\u{1b}[31mred\n',
  });
  expect(await here.run(['drill', 'show', drillId.replace('JD', 'JE'), '--output'])).toMatchObject({
    exitCode: 2,
  });
});

it('what is in quarantine is listed with why, and stays when it is acknowledged', async () => {
  const drillId = newDrillId(new Date('2026-11-20T03:00:00.000Z'));
  const sha256 = 'c0ffee'.padEnd(64, '0');
  const key = `quarantine/${drillId}/${sha256}.json`;
  await here.write(`evidence/${key}`, 'forged');
  const said = { quarantined_at: '2026-11-20T03:01:00.000Z', why: 'it was changed' };
  await here.write(`evidence/quarantine/${drillId}/${sha256}.why.json`, JSON.stringify(said));
  expect(await json('receipts', 'quarantined')).toEqual({
    quarantined: [{ id: sha256, drill_id: drillId, key, ...said }],
  });

  for (const [args, exitCode] of [
    [['c0ffee', '--note', 'x'], 2],
    [['c0ffee000000'], 64],
    [['c0ffee000000', '--note', ' '], 64],
    [['c0ffee000000', '--note', 'a test of ours'], 0],
    [[drillId, '--note', 'again'], 0],
  ] as const)
    expect(await here.run(['receipts', 'acknowledge', ...args])).toMatchObject({ exitCode });
  const { stdout } = await here.run(['receipts', 'quarantined']);
  expect(stdout).toMatch(/c0ffee000000 +drl_\w+ +2026-11-20 03:01 +it was changed +a test of ours/);
  expect(await here.read(`evidence/${key}`)).toBe('forged');
});
