import { MusterError } from '@muster/core';
import type { Base } from '@muster/scratch';
import type { BackupFacts } from '../engine.js';
import { type Installation, parseProbe } from './probe.js';

/** `nobody`: what a server runs as where no user mongodb is. It may be anyone but root. */
export const FALLBACK_USER = '65534:65534';

/** Holds a backup against what an image, or the host, has. */
export function admit(
  facts: Pick<BackupFacts, 'major' | 'serverVersion'>,
  base: Base,
): { readonly user: string; readonly installation: Installation } {
  const { installations, user = FALLBACK_USER } = parseProbe(base.facts);
  const where = base.image === undefined ? 'this machine' : `the image ${base.image}`;
  return { user, installation: chooseInstallation(installations, facts, where) };
}

/**
 * The server of that major version, else the nearest newer one: a server restores what older ones dumped. Where the
 * backup does not tell its version the newest serves; and a stand-in's version is a claim that bounds nothing.
 */
function chooseInstallation(
  installations: readonly Installation[],
  { major, serverVersion }: Pick<BackupFacts, 'major' | 'serverVersion'>,
  where: string,
): Installation {
  const sorted = installations.toSorted((a, b) => a.major - b.major);
  const newest = sorted.at(-1);
  if (newest === undefined) {
    throw new MusterError(
      'image_unavailable',
      `There is no MongoDB server on ${where}. Install mongod, or name an image that has it with \`image:\`.`,
    );
  }
  if (serverVersion === undefined) return newest;
  const able = sorted.find((one) => one.major >= major || one.substitute !== undefined);
  if (able !== undefined) return able;
  const there = sorted.map((one) => one.major).join(', ');
  throw new MusterError(
    'version_unavailable',
    `The backup needs MongoDB ${major}, and ${where} has ${there}. Name an image of version ${major} with \`image:\`.`,
  );
}
