import { chown } from 'node:fs/promises';

const NOBODY = 65534;

/** Runs `act` with the rights of an ordinary user who owns `directory`, also where the tests run as root. */
export async function asUnprivileged<T>(directory: string, act: () => Promise<T>): Promise<T> {
  if (process.geteuid?.() !== 0) return act();
  await chown(directory, NOBODY, NOBODY);
  process.seteuid?.(NOBODY);
  try {
    return await act();
  } finally {
    process.seteuid?.(0);
  }
}
