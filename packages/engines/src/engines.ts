import type { SourceKind } from '@muster/core';
import type { Engine, Server } from './engine.js';
import type { LiveDumper } from './live/live-dumper.js';
import { mongodbEngine } from './mongodb/engine.js';
import { mongodbLiveDumper } from './mongodb/live/live.js';
import { attachMongo } from './mongodb/server/attach.js';
import { mongodbTarget } from './mongodb/target/target.js';
import { postgresEngine } from './postgres/engine.js';
import { postgresLiveDumper } from './postgres/live/live.js';
import { attachPostgres } from './postgres/server/attach.js';
import { postgresTarget } from './postgres/target/target.js';
import type { TargetDriver } from './target/target.js';

/** The engine of each kind of source. */
export const engineOf = (kind: SourceKind): Engine => ENGINES[kind];
const ENGINES = { postgres: postgresEngine, mongodb: mongodbEngine } as const;

/** How a source of each kind is dumped live. */
export const liveDumperOf = (kind: SourceKind): LiveDumper => LIVE_DUMPERS[kind];
const LIVE_DUMPERS = { postgres: postgresLiveDumper, mongodb: mongodbLiveDumper } as const;

/** A real server of each kind, to restore into. */
export const targetOf = (kind: SourceKind): TargetDriver => TARGETS[kind];
const TARGETS = { postgres: postgresTarget, mongodb: mongodbTarget } as const;

/** The server of a scratch that another process holds, to ask it and nothing else. */
export const attachTo = (kind: SourceKind, kept: KeptServer): Pick<Server, 'ask'> => ATTACH[kind](kept);
const ATTACH = { postgres: attachPostgres, mongodb: attachMongo } as const;

export interface KeptServer {
  readonly socketDir: string;
  /** The server's own word, e.g. `17.6`. */
  readonly serverVersion: string;
}
