import { execFile } from 'node:child_process';
import { glob, stat } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const packages = fileURLToPath(new URL('../../packages/', import.meta.url));
const SOURCES = ['*/src/**/*.ts', 'cli/build.mjs'];

/** Tests of the command run what it is built of now; what is built already is left to those that run from it. */
export const setup = async (): Promise<void> => {
  const built = await changed('cli/dist/main.js').catch(() => 0);
  for await (const source of glob(SOURCES, { cwd: packages })) {
    if ((await changed(source)) <= built) continue;
    await promisify(execFile)(process.execPath, [`${packages}cli/build.mjs`]);
    return;
  }
};

const changed = async (file: string): Promise<number> => (await stat(`${packages}${file}`)).mtimeMs;
