import type { Source } from '@muster/core';
import { type StandIn, standInAt } from '@muster/engines';
import type { Held } from './production.js';

/** The server that stands in for production, or that has what came back of it. */
export const standInOf = ({ kind }: Source, { socketDir, server }: Held): StandIn =>
  standInAt(kind, { socketDir, serverVersion: server.version });
