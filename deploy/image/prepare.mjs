import { randomBytes } from 'node:crypto';
import { access, rename, writeFile } from 'node:fs/promises';
import { makeToken } from '@muster/api';
import { ensurePrivateKey } from '@muster/evidence';

// What the fleet of docker-compose.yml keeps secret: made on first use, for its owner alone, and never anew.

const { keyId, created } = await ensurePrivateKey(
  { privateKey: '/secrets/signing/key', keyring: '/keyring' },
  AbortSignal.timeout(30_000),
);
console.log(`signing key ${keyId}${created ? ', made now' : ''}`);

await once('/secrets/s3/access_key', () => randomBytes(10).toString('hex'));
await once('/secrets/s3/secret_key', () => randomBytes(30).toString('base64url'));

// The token last: where it is, the settings that stand for it are, to be put after a configuration.
if (!(await isThere('/secrets/api/token'))) {
  const { token, sha256 } = makeToken();
  await write(
    '/secrets/api/settings.yaml',
    `\napi: { listen: '0.0.0.0:7655', tokens: [{ name: compose, role: admin, sha256: ${sha256} }] }`,
  );
  await write('/secrets/api/token', token);
}

async function once(path, make) {
  if (!(await isThere(path))) await write(path, make());
}

/** All of it or nothing, also where this dies. */
async function write(path, text) {
  await writeFile(`${path}.new`, `${text}\n`, { mode: 0o600 });
  await rename(`${path}.new`, path);
  console.log(`${path} made now`);
}

async function isThere(path) {
  return await access(path).then(
    () => true,
    () => false,
  );
}
