import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createSigner, ensurePrivateKey, generateKeyPair } from '@muster/evidence';
import { SAMPLE_DUMP, sampleStatement } from '../../packages/evidence/src/sample-statement.fixture.js';

/** A receipt of a dump file and one of a directory dump, with what belongs to them and what does not. */
export interface ReceiptFiles extends AsyncDisposable {
  readonly directory: string;
  readonly receipt: string;
  readonly dump: string;
  readonly otherDump: string;
  readonly directoryReceipt: string;
  readonly directoryDump: string;
  readonly key: string;
  readonly otherKey: string;
}

export async function makeReceiptFiles(): Promise<ReceiptFiles> {
  const directory = await mkdtemp(join(tmpdir(), 'muster-receipt-'));
  const at = (name: string): string => join(directory, name);
  const write = async (name: string, content: string | Uint8Array): Promise<string> => {
    await writeFile(at(name), content);
    return at(name);
  };
  const paths = { privateKey: at('muster.key'), keyring: at('keys') };
  const key = await ensurePrivateKey(paths, new AbortController().signal);
  const signer = createSigner(key.privateKey);

  await mkdir(at('directory.dump'));
  const members = { '10.dat': 'ten', '9.dat': 'nine', 'toc.dat': 'PGDMP' };
  for (const [name, content] of Object.entries(members)) await write(`directory.dump/${name}`, content);
  const sha256 = (content: string): string => createHash('sha256').update(content).digest('hex');
  const lines = Object.entries(members).map(([name, content]) => `${sha256(content)}  ${name}\n`);

  return {
    directory,
    receipt: await write('receipt.sigstore.json', signer.sign(sampleStatement())),
    dump: await write('shop.dump', SAMPLE_DUMP),
    otherDump: await write('other.dump', `${SAMPLE_DUMP}.`),
    directoryReceipt: await write(
      'd.sigstore.json',
      signer.sign(sampleStatement({}, sha256(lines.join('')))),
    ),
    directoryDump: at('directory.dump'),
    key: join(paths.keyring, `${key.keyId}.pem`),
    otherKey: await write('other.pem', generateKeyPair().publicKeyPem),
    [Symbol.asyncDispose]: () => rm(directory, { recursive: true }),
  };
}
