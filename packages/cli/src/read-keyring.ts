import { type Keyring, loadKeyring } from '@muster/evidence';
import type { Output } from './terminal/output.js';

/** The public keys that count for a command; says which files there are none. @throws as {@link loadKeyring}. */
export async function readKeyring({ output }: { readonly output: Output }, path: string): Promise<Keyring> {
  const keyring = await loadKeyring(path);
  for (const { why } of keyring.faults) output.alert(why);
  return keyring;
}
