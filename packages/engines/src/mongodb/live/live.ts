import type { PassThrough, Readable } from 'node:stream';
import type { Base, ScratchHost } from '@muster/scratch';
import type { LiveDumper, LiveFacts } from '../../engine.js';
import { toolDump } from '../../live/tool-dump.js';
import { FALLBACK_USER } from '../admit.js';
import { type DatabaseTool, parseProbe } from '../probe.js';
import { directoriesOf } from './connection-uri.js';
import { driverDump } from './driver-dump.js';
import { isMongoLiveFacts, survey } from './live-survey.js';
import { measure } from './measure.js';
import { deniedDump } from './rights-missing.js';

/** The first of the Database Tools that take a URI from elsewhere than their arguments (`--config`). */
const TOOL_WITH_CONFIG = [100, 3] as const;

/** $1 is mongodump. What the URI says must not stand in a process list. */
const SCRIPT = `printf '%s\\n' "$MUSTER_CONFIG" | "$1" --config=/dev/stdin --archive`;

/**
 * With mongodump where there is one and the URI names a database, whose right to read is all that it needs then; else,
 * and for all databases at once (mongodump would read the users too), through the driver. mongodump reads each
 * collection as it is at that moment; the driver all at one where the source can. The receipt says which it was.
 */
export const mongodbLiveDumper: LiveDumper = {
  survey,
  measure,
  dump: (text, facts, host, base) => {
    const uri = text.trim();
    const tool = facts.database === undefined ? undefined : chooseTool(base);
    const atOneMoment = tool === undefined && isMongoLiveFacts(facts) && facts.snapshots;
    return {
      form: 'stream',
      name: `${facts.database ?? 'live'}.archive`,
      ...(!atOneMoment && { warnings: [{ code: 'no_snapshot', count: 1 }] }),
      open: (signal) =>
        tool === undefined
          ? driverDump({ ...driven(facts), uri, snapshot: atOneMoment }, signal)
          : openDump(tool, uri, host, base, signal),
    };
  },
};

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
  host: ScratchHost,
  base: Base,
  signal: AbortSignal,
): Readable {
  const run = (stdout: PassThrough, stop: AbortSignal) =>
    host.runNetworked(
      base,
      {
        argv: ['/bin/sh', '-c', SCRIPT, 'sh', path],
        env: { LC_ALL: 'C' },
        // A JSON string is a YAML string.
        secretEnv: { MUSTER_CONFIG: `uri: ${JSON.stringify(uri)}` },
        user: parseProbe(base.facts).user ?? FALLBACK_USER,
        directories: directoriesOf(uri),
        stdout,
      },
      stop,
    );
  return toolDump('mongodump', run, signal, deniedDump);
}
