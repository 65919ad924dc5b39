import { isMusterError } from '@muster/core';
import type { Base } from '@muster/scratch';
import type { BackupFacts, Fit } from '../engine.js';
import { chooseInstallation, neededExtensions } from './admit.js';
import { chooseSetInstallation } from './pgbackrest/admit-pgbackrest.js';
import { isPgbackrestFacts } from './pgbackrest/pgbackrest-facts.js';
import { type ImageFacts, type Installation, parseProbe } from './probe.js';

/** {@link Engine.fitOf} of PostgreSQL. */
export function fitOf(facts: BackupFacts, base: Base | undefined): Fit {
  const image = base && orNone(() => parseProbe(base.facts));
  const installation = image && orNone(() => installationFor(facts, image));
  const needed = neededExtensions(facts);
  return {
    ...(installation && { version: installation.version }),
    ...(isPgbackrestFacts(facts) && image?.pgbackrest && { tool: `pgBackRest ${image.pgbackrest}` }),
    ...(needed && {
      extensions: needed.map((name) => ({
        name,
        ...(installation && { there: installation.extensions.has(name) }),
      })),
    }),
  };
}

const installationFor = (facts: BackupFacts, image: ImageFacts): Installation =>
  isPgbackrestFacts(facts)
    ? chooseSetInstallation(facts, image, '')
    : chooseInstallation(image, facts.major, '');

/** What `admit` says of it is not said here. */
function orNone<T>(look: () => T): T | undefined {
  try {
    return look();
  } catch (error) {
    if (isMusterError(error)) return undefined;
    throw error;
  }
}
