import { type Keyring, loadKeyring } from '@muster/evidence';
import type { Logger } from '@muster/telemetry';

/** A keyring that is read anew each time; its files that are no keys are logged once, and again when they are others. */
export function watchedKeyring(path: string, logger: Logger): () => Promise<Keyring> {
  let told = '';
  return async () => {
    const keyring = await loadKeyring(path);
    const whys = keyring.faults.map(({ why }) => why);
    if (whys.join() !== told)
      for (const why of whys) logger.error(`a file in the keyring counts for nothing: ${why}`);
    told = whys.join();
    return keyring;
  };
}
