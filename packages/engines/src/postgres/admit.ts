import { MusterError } from '@muster/core';
import type { Base } from '@muster/scratch';
import type { BackupFacts } from '../engine.js';
import { extensionsOf } from './format/roles.js';
import { isPostgresFacts } from './postgres-facts.js';
import { type ImageFacts, type Installation, parseProbe } from './probe.js';
import type { DatabaseShape } from './restore/create-database.js';

/** `nobody`: what a server runs as where no user postgres is. It may be anyone but root. */
export const FALLBACK_USER = '65534:65534';

/** Holds a backup against what an image, or the host, has. */
export function admit(
  facts: BackupFacts,
  base: Base,
): { readonly user: string; readonly installation: Installation } {
  const image = parseProbe(base.facts);
  const where = nameOf(base);
  const installation = chooseInstallation(image, facts.major, where);
  const needed = neededExtensions(facts);
  if (needed !== undefined) requireExtensions(needed, installation, where);
  // Of a live dump they are not known before it flows.
  if (isPostgresFacts(facts)) requireLocales(facts.shape, image, where);
  return { user: image.user ?? FALLBACK_USER, installation };
}

/** Where tools run, for people. */
export const nameOf = ({ image }: Base): string =>
  image === undefined ? 'this machine' : `the image ${image}`;

/**
 * The installation of exactly that major version, else the nearest newer one: a server restores what older ones dumped.
 * (An image of another major is only ever one that the source's own `image:` names.)
 */
export function chooseInstallation(image: ImageFacts, major: number, where: string): Installation {
  if (image.installations.length === 0) {
    throw new MusterError(
      'image_unavailable',
      `There is no PostgreSQL server on ${where}. Install postgresql-${major}, or name an image that has it with \`image:\`.`,
    );
  }
  const able = image.installations
    .filter((installation) => installation.major >= major)
    .sort((a, b) => a.major - b.major)[0];
  if (able === undefined) {
    const there = image.installations.map((installation) => installation.major).join(', ');
    throw new MusterError(
      'version_unavailable',
      `The backup needs PostgreSQL ${major}, and ${where} has ${there}. Name an image of version ${major} with \`image:\`.`,
    );
  }
  return able;
}

/** Undefined where nothing tells them. */
export const neededExtensions = (facts: BackupFacts): readonly string[] | undefined =>
  isPostgresFacts(facts) && facts.toc !== undefined ? extensionsOf(facts.toc) : facts.extensions;

function requireExtensions(needed: readonly string[], installation: Installation, where: string): void {
  const missing = needed.filter((name) => !installation.extensions.has(name));
  if (missing.length === 0) return;
  throw new MusterError(
    'extension_missing',
    `The backup needs ${missing.length === 1 ? 'the extension' : 'the extensions'} ${missing.join(', ')}, which ${where} has not. Name an image that has ${missing.length === 1 ? 'it' : 'them'} with \`image:\`.`,
  );
}

/** Only the C library's locales are looked up here; what ICU has, the server itself knows. */
export function requireLocales(shape: DatabaseShape, image: ImageFacts, where: string): void {
  if (image.locales === 'any') return;
  const there = new Set([...image.locales].map(canonicalLocale));
  const missing = new Set(
    [shape.collate, shape.ctype].filter(
      (name): name is string =>
        name !== undefined && !isAlwaysThere(name) && !there.has(canonicalLocale(name)),
    ),
  );
  if (missing.size === 0) return;
  throw new MusterError(
    'locale_missing',
    `The database was made with the locale ${[...missing].join(', ')}, which ${where} has not. Name an image that has it with \`image:\`.`,
  );
}

const isAlwaysThere = (name: string) => name === '' || name === 'C' || name === 'POSIX';

/** As the C library compares names: `en_US.UTF-8` is `en_US.utf8`. */
function canonicalLocale(name: string): string {
  const [locale = '', codeset = ''] = name.split(/\.(.*)/s);
  return `${locale}.${codeset.toLowerCase().replace(/[^a-z0-9@]/g, '')}`;
}
