import { type Keyring, type Verification, verifyReceipt } from '@muster/evidence';

const FRESH_MS = 5_000;

/**
 * Verifies receipts against a keyring that is read anew every few seconds, and at once where a receipt does not verify: a
 * key that was added a moment ago counts.
 */
export function createVerifier(
  load: () => Promise<Keyring>,
  now: () => Date,
): (receipt: Uint8Array) => Promise<Verification> {
  let known: { readonly keyring: Keyring; readonly at: number } | undefined;
  const keyring = async (maxAgeMs: number): Promise<Keyring> => {
    if (known === undefined || now().getTime() - known.at >= maxAgeMs) {
      known = { keyring: await load(), at: now().getTime() };
    }
    return known.keyring;
  };
  return async (receipt) => {
    const verification = await verifyReceipt(receipt, {
      keyring: await keyring(FRESH_MS),
      requirePass: false,
    });
    if (verification.exitCode !== 1) return verification;
    return await verifyReceipt(receipt, { keyring: await keyring(0), requirePass: false });
  };
}
