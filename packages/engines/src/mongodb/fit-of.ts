import { isMusterError } from '@muster/core';
import type { Base } from '@muster/scratch';
import type { BackupFacts, Fit } from '../engine.js';
import { admit } from './admit.js';

/** {@link Engine.fitOf} of MongoDB. */
export function fitOf(facts: BackupFacts, base: Base | undefined): Fit {
  if (base === undefined) return {};
  try {
    const { version, substitute, mongorestore } = admit(facts, base).installation;
    const tool = mongorestore && `mongorestore ${mongorestore.version}`.trim();
    return { version, ...(substitute !== undefined && { substitute }), tool: tool ?? 'Muster’s own reader' };
  } catch (error) {
    if (isMusterError(error)) return {};
    throw error;
  }
}
