import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isMusterError } from '@muster/core';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { requireOwnFiles } from './own-files.js';

let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'muster-own-'));
  await mkdir(join(dir, 'shop'));
  await writeFile(join(dir, 'shop', 'orders.bson'), '');
});
afterEach(() => rm(dir, { recursive: true, force: true }));

const reason = (): Promise<string> =>
  requireOwnFiles(dir).then(
    () => 'own',
    (error: unknown) => (isMusterError(error) ? error.code : String(error)),
  );

describe('a directory', () => {
  it('of files and directories holds its dump', async () => expect(await reason()).toBe('own'));

  it.each(['/etc/passwd', '/dev/zero', '/nowhere', '.'])('with a link to %s does not', async (target) => {
    await symlink(target, join(dir, 'shop', 'users.bson'));
    expect(await reason()).toBe('backup_unreadable');
  });

  it('with a pipe is not whole', async () => {
    execFileSync('mkfifo', [join(dir, 'shop', 'users.bson')]);
    expect(await reason()).toBe('truncated');
  });
});
