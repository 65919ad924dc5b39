import { formatSize, type SourceKind } from '@muster/core';
import type { DrillEvent } from '@muster/drill';
import { ago } from '../terminal/clock.js';
import { printable } from '../terminal/printable.js';

type Located = Extract<DrillEvent, { type: 'located' }>;
type Launched = Extract<DrillEvent, { type: 'launched' }>;

/** Why a drill begins once more with another set. */
export const notBehindText = (set: string): string =>
  `the point is not behind ${printable(set)}; trying the set before it`;

/** `shop.dump · 8.4 MB · custom · made 3 hours ago` */
export function backupFacts(event: Omit<Located, 'type' | 'location' | 'notBehind'>, now: Date): string {
  return [
    printable(event.backup),
    event.sizeBytes === undefined ? '' : formatSize(event.sizeBytes),
    event.format ?? '',
    event.createdAt === undefined ? '' : `made ${ago(event.createdAt, now)}`,
  ]
    .filter((part) => part !== '')
    .join(' · ');
}

export const ENGINE_NAMES = { postgres: 'PostgreSQL', mongodb: 'MongoDB' } as const;

/** `PostgreSQL 17.6`; of a stand-in `FerretDB 2.7.0 in place of MongoDB`. */
export function serverName(server: {
  readonly engine: SourceKind;
  readonly engineVersion: string;
  readonly substitute?: true | undefined;
}): string {
  const version = printable(server.engineVersion);
  const name = ENGINE_NAMES[server.engine];
  return server.substitute ? `${version} in place of ${name}` : `${name} ${version}`;
}

/** `PostgreSQL 17.6 · docker · postgres:17` */
export function scratchFacts(event: Omit<Launched, 'type'>): string {
  return [serverName(event), event.isolation, event.image ?? ''].filter((part) => part !== '').join(' · ');
}
