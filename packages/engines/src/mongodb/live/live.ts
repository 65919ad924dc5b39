import { type PassThrough, pipeline, type Readable } from 'node:stream';
import { createGzip } from 'node:zlib';
import type { Base, ScratchHost } from '@muster/scratch';
import type { StreamArtefact } from '../../artefact.js';
import type { DumpOptions, LiveDumper, LiveFacts } from '../../live/live-dumper.js';
import { runHere, toolDump } from '../../live/tool-dump.js';
import { FALLBACK_USER } from '../admit.js';
import { openSnapshot, recordQuiet } from '../fidelity/held-moment.js';
import { type DatabaseTool, parseProbe } from '../probe.js';
import { directoriesOf } from './connection-uri.js';
import { driverDump } from './driver-dump.js';
import { isMongoLiveFacts, survey } from './live-survey.js';
import { measure } from './measure.js';
import { ownMongodump, RUN_MONGODUMP } from './own-mongodump.js';
import { deniedDump } from './rights-missing.js';

/** The first of the Database Tools that take a URI from elsewhere than their arguments (`--config`). */
const TOOL_WITH_CONFIG = [100, 3] as const;

/**
 * With mongodump where there is one and the URI names a database, whose right to read is all that it needs then; else,
 * and for all databases at once (mongodump would read the users too), through the driver. mongodump reads each
 * collection as it is at that moment; the driver all at one where the source can. The receipt says which it was.
 */
export const mongodbLiveDumper: LiveDumper = {
  survey,
  measure,
  openSnapshot,
  recordQuiet,
  dump: (text, facts, host, base, options = {}) => {
    const uri = text.trim();
    const tool = hasOneTool(facts, options) ? chooseTool(base) : undefined;
    return tool === undefined
      ? byDriver(uri, facts, options)
      : byTool(facts, (signal) => openDump(tool, uri, options, host, base, signal));
  },
  dumpHere: async (text, facts, options = {}) => {
    const uri = text.trim();
    const own = hasOneTool(facts, options) ? await ownMongodump() : undefined;
    if (own === undefined || !takesConfig(own)) return byDriver(uri, facts, options);
    const argv = ['/bin/sh', '-c', RUN_MONGODUMP, 'sh', own.path, ...flagsOf(options)] as const;
    const env = configOf(uri);
    return byTool(facts, (signal) =>
      toolDump('mongodump', (stdout, stop) => runHere(argv, env, stdout, stop), signal, deniedDump),
    );
  },
};

/** All that mongodump can be asked for: one database, and no moment in particular. */
const hasOneTool = ({ database }: LiveFacts, { snapshot }: DumpOptions): boolean =>
  database !== undefined && snapshot === undefined;

const NO_SNAPSHOT = { warnings: [{ code: 'no_snapshot', count: 1 }] };

const byTool = ({ database }: LiveFacts, open: StreamArtefact['open']): StreamArtefact => ({
  form: 'stream',
  name: `${database ?? 'live'}.archive`,
  ...NO_SNAPSHOT,
  open,
});

function byDriver(
  uri: string,
  facts: LiveFacts,
  { compress = false, snapshot }: DumpOptions,
): StreamArtefact {
  const atOneMoment = isMongoLiveFacts(facts) && facts.snapshots;
  return {
    form: 'stream',
    name: `${facts.database ?? 'live'}.archive`,
    ...(!atOneMoment && NO_SNAPSHOT),
    open: (signal) => {
      const stream = driverDump({ ...driven(facts), uri, snapshot: atOneMoment, held: snapshot }, signal);
      return compress ? gzipped(stream) : stream;
    },
  };
}

/** As `mongodump --gzip` writes an archive: all of it. */
function gzipped(stream: Readable): Readable {
  const gzip = createGzip();
  // Either one's failure destroys the other, and whoever reads hears of it.
  pipeline(stream, gzip, () => undefined);
  return gzip;
}

const flagsOf = ({ compress = false }: DumpOptions): readonly string[] => (compress ? ['--gzip'] : []);

/** A JSON string is a YAML string. */
const configOf = (uri: string) => ({ MUSTER_CONFIG: `uri: ${JSON.stringify(uri)}` });

const driven = ({ serverVersion, database }: LiveFacts) => ({
  serverVersion,
  ...(database !== undefined && { database }),
});

/** That of the image; with bubblewrap this machine's own. */
function chooseTool(base: Base): DatabaseTool | undefined {
  const { mongodump } = parseProbe(base.facts);
  return mongodump !== undefined && takesConfig(mongodump) ? mongodump : undefined;
}

/** A build that does not tell its version is one of somebody's own, and new. */
function takesConfig({ version }: DatabaseTool): boolean {
  if (version === '') return true;
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const [least, leastMinor] = TOOL_WITH_CONFIG;
  return major > least || (major === least && minor >= leastMinor);
}

function openDump(
  { path }: DatabaseTool,
  uri: string,
  options: DumpOptions,
  host: ScratchHost,
  base: Base,
  signal: AbortSignal,
): Readable {
  const run = (stdout: PassThrough, stop: AbortSignal) =>
    host.runNetworked(
      base,
      {
        argv: ['/bin/sh', '-c', RUN_MONGODUMP, 'sh', path, ...flagsOf(options)],
        env: { LC_ALL: 'C' },
        secretEnv: configOf(uri),
        user: parseProbe(base.facts).user ?? FALLBACK_USER,
        directories: directoriesOf(uri),
        stdout,
      },
      stop,
    );
  return toolDump('mongodump', run, signal, deniedDump);
}
