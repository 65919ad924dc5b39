import { readFile, stat } from 'node:fs/promises';
import { errnoOf, MusterError } from '@muster/core';
import { ownerOfWritten } from './write-once.js';

/**
 * Refuses a store of another user: the directories that this process made in it, its owner could not write into, and
 * receipts would wait for ever. To hand them over (chown) is no way out: only root may, not on every file system, and
 * the keys and the state of whoever runs this would still be in another's hands.
 * @throws `evidence_unwritable`. The operating system's error, where the store cannot be looked at.
 */
export async function requireOwner(root: string): Promise<void> {
  const self = process.geteuid?.();
  const owner = await ownerOf(root);
  if (self === undefined || owner === undefined || owner === self) return;
  // Shares (CIFS, NFS with all_squash) give all that is written to one user, whoever writes it.
  if ((await ownerIfWritable(root)) === owner) return;
  throw new MusterError('evidence_unwritable', await refusal(root, owner, self));
}

async function ownerOf(root: string): Promise<number | undefined> {
  try {
    return (await stat(root)).uid;
  } catch (error) {
    // Whoever makes it owns it.
    if (errnoOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}

async function ownerIfWritable(root: string): Promise<number | undefined> {
  try {
    return await ownerOfWritten(root);
  } catch (error) {
    if (['EACCES', 'EPERM'].includes(errnoOf(error) ?? '')) return undefined;
    throw error;
  }
}

async function refusal(root: string, owner: number, self: number): Promise<string> {
  const [theirs, mine] = await Promise.all([userName(owner), userName(self)]);
  const command =
    self === 0 && theirs !== undefined
      ? `runuser -u ${theirs} -- muster …`
      : `sudo -u ${theirs ?? `'#${owner}'`} muster …`;
  return (
    `The evidence store ${root} belongs to ${theirs ?? `the user ${owner}`}, and this process is of ${mine ?? `the user ${self}`}: ` +
    `what it made there, the services of its owner could not write into. Nothing was written. ` +
    `Run it as the owner (${command}), or ask for drills through the API (MUSTER_API_URL).`
  );
}

/** As /etc/passwd has it; undefined where users come from elsewhere. */
async function userName(uid: number): Promise<string | undefined> {
  const passwd = await readFile('/etc/passwd', 'utf8').catch(() => '');
  const line = passwd.split('\n').find((one) => one.split(':')[2] === String(uid));
  return line?.split(':')[0];
}
