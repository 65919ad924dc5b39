import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

/** Tests of the command run what it is built of now. */
export const setup = async (): Promise<void> => {
  await promisify(execFile)(process.execPath, [
    fileURLToPath(new URL('../../packages/cli/build.mjs', import.meta.url)),
  ]);
};
