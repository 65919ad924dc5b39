import { execFile } from 'node:child_process';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** Paths of PEM files. */
export interface Certificate {
  readonly cert: string;
  readonly key: string;
}

/** An authority, and who it vouches for. */
export interface Authority {
  readonly directory: string;
  /** Path of its own certificate. */
  readonly ca: string;
  /** `names`: as `DNS:localhost,IP:127.0.0.1`; `passphrase`: of its key. */
  issue(cn: string, names: string, passphrase?: string): Promise<Certificate>;
  remove(): Promise<void>;
}

/** Makes an authority of certificates with openssl. */
export async function authority(): Promise<Authority> {
  const directory = await mkdtemp('/tmp/muster-ca-');
  await chmod(directory, 0o755);
  const at = (name: string) => join(directory, name);
  const openssl = (...args: readonly string[]) => run('openssl', args, { cwd: directory });
  const ec = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'] as const;
  await openssl(
    'req',
    '-x509',
    ...ec,
    '-keyout',
    'ca.key',
    '-out',
    'ca.pem',
    '-subj',
    '/CN=Test',
    '-days',
    '2',
  );
  return {
    directory,
    ca: at('ca.pem'),
    async issue(cn, names, passphrase) {
      const [csr, plain, cert, key] = [`${cn}.csr`, `${cn}.plain`, at(`${cn}.pem`), at(`${cn}.key`)];
      await openssl('req', ...ec, '-keyout', plain, '-out', csr, '-subj', `/CN=${cn}`);
      await writeFile(at('names'), `subjectAltName=${names}\n`);
      const signer = ['-CA', 'ca.pem', '-CAkey', 'ca.key', '-CAcreateserial', '-days', '2'] as const;
      await openssl('x509', '-req', '-in', csr, ...signer, '-extfile', 'names', '-out', cert);
      const locked = passphrase === undefined ? [] : ['-aes256', '-passout', `pass:${passphrase}`];
      await openssl('pkey', '-in', plain, ...locked, '-out', key);
      await chmod(key, 0o600);
      return { cert, key };
    },
    remove: () => rm(directory, { recursive: true, force: true }),
  };
}
