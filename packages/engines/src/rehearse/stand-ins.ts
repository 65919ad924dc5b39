import type { SourceKind } from '@muster/core';
import { mongodbScripts, mongodbStandIn } from '../mongodb/rehearse/stand-in.js';
import { postgresScripts, postgresStandIn } from '../postgres/rehearse/stand-in.js';
import type { Scripts, StandIn } from './stand-in.js';

/** The server behind this socket directory, of a scratch that Muster started. */
export function standInAt(
  kind: SourceKind,
  at: { readonly socketDir: string; readonly serverVersion: string },
): StandIn {
  return kind === 'postgres' ? postgresStandIn(at) : mongodbStandIn(at);
}

export const scriptsOf = (kind: SourceKind): Scripts =>
  kind === 'postgres' ? postgresScripts : mongodbScripts;
