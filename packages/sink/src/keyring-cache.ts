import { MusterError } from '@muster/core';
import { type Keyring, type Verification, verifyReceipt } from '@muster/evidence';

const FRESH_MS = 5_000;

/**
 * Verifies receipts against a keyring that is read anew every few seconds, and at once where a receipt does not verify: a
 * key that was added a moment ago counts. A file of the keyring that is no key may have been the key of a receipt that
 * verifies with no other: then nothing is said of that receipt, until the file is mended or gone.
 */
export function createVerifier(
  load: () => Promise<Keyring>,
  now: () => Date,
): (receipt: Uint8Array, listing?: Uint8Array) => Promise<Verification> {
  let known: { readonly keyring: Keyring; readonly at: number } | undefined;
  const keyring = async (maxAgeMs: number): Promise<Keyring> => {
    if (known === undefined || now().getTime() - known.at >= maxAgeMs) {
      known = { keyring: await load(), at: now().getTime() };
    }
    return known.keyring;
  };
  return async (receipt, listing) => {
    const asked = { requirePass: false, listing: async () => listing };
    const verification = await verifyReceipt(receipt, { keyring: await keyring(FRESH_MS), ...asked });
    if (verification.exitCode !== 1) return verification;
    const fresh = await keyring(0);
    const again = await verifyReceipt(receipt, { keyring: fresh, ...asked });
    if (again.exitCode === 1 && fresh.faults.length > 0) throw undecided(fresh);
    return again;
  };
}

function undecided({ faults }: Keyring): MusterError {
  const whys = faults.map(({ why }) => why).join(' ');
  return new MusterError('key_invalid', `${whys} Until then receipts that verify with no other key wait.`);
}
