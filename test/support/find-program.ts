import { accessSync, constants } from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';

/** The path of a program: on the PATH, or where `go install` puts it. */
export function findProgram(name: string): string | undefined {
  const { PATH = '', GOBIN, GOPATH = join(homedir(), 'go') } = process.env;
  const directories = [...PATH.split(delimiter), ...(GOBIN ? [GOBIN] : []), join(GOPATH, 'bin')];
  return directories.map((directory) => join(directory, name)).find(isExecutable);
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
