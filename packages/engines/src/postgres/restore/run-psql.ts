import { randomBytes } from 'node:crypto';
import type { Transform } from 'node:stream';
import { MusterError } from '@muster/core';
import type { DumpArtefact } from '../../artefact.js';
import { chained, counting } from '../../bytes/counting.js';
import { unwrap } from '../../bytes/decompress.js';
import { type Feed, feed } from '../../bytes/feed.js';
import { openContent } from '../../bytes/open-content.js';
import type { RestoreOptions, RestoreReport } from '../../engine.js';
import { knowsRestrict } from '../plain/restrict.js';
import type { PostgresFacts } from '../postgres-facts.js';
import { conninfo } from '../server/session.js';
import type { RunningServer } from '../server/start.js';
import { isHarmless } from './harmless.js';
import { runTool } from './restore-tool.js';

/** A script for psql. */
export interface PsqlScript {
  /** Where it is run. */
  readonly database: string;
  readonly artefact: DumpArtefact;
  readonly facts: PostgresFacts;
  /** What it must pass on its way. */
  readonly filter: Transform;
  /** It is run outside of any scratch: a psql that knows no `\restrict` ends at the first error. */
  readonly outside?: boolean;
}

/** A script on its way into psql. */
export interface PsqlInput {
  readonly feed: Feed;
  readonly args: readonly string[];
  /** What psql prints at last, if it took everything. */
  readonly lastWord: string;
  /** Bytes of the backup that were read so far. */
  readonly bytes: () => number;
}

/** The arguments and the input of a psql of this version that runs `script` as what may be hostile. */
export function psqlInput(
  { database, artefact, facts, filter, outside = false }: PsqlScript,
  psqlVersion: string,
  options: Pick<RestoreOptions, 'onProgress'> & { readonly onFault: () => void },
  signal: AbortSignal,
): PsqlInput {
  if (artefact.form === 'directory') throw new MusterError('internal', 'A plain dump is a single file.');
  const count = counting(openContent(artefact, signal), (bytes) =>
    options.onProgress({ bytes, totalBytes: artefact.sizeBytes }),
  );
  const word = randomBytes(16).toString('hex');
  const restricted = knowsRestrict(psqlVersion);
  const input = feed(chained(unwrap(count.stream, facts.wrapper), filter), {
    // A dump's own \restrict names a word that its author knows; ours is known to no one.
    head: restricted ? `\\restrict ${word}\n` : '',
    // No lone `;` before it: after a COPY psql would take that for the COPY again. Nor does it answer inside of a
    // transaction that wrote: nobody will commit that.
    tail: `\nSELECT '${word}' WHERE pg_catalog.txid_current_if_assigned() IS NULL;\n`,
    onFault: options.onFault,
  });
  return {
    feed: input,
    args: [
      ...['--no-psqlrc', '--quiet', '--no-align', '--tuples-only', '--no-password'],
      ...['--set=VERBOSITY=verbose', '--set=SHOW_CONTEXT=never'],
      // After a COPY that fails psql reads data as statements, and a line of data may be a command of its own.
      ...(outside && !restricted ? ['--set=ON_ERROR_STOP=1'] : []),
      ...['--dbname', conninfo(database), '--file=-'],
    ],
    lastWord: word,
    bytes: count.bytes,
  };
}

/** Runs a script in the scratch, as what may be hostile. @throws any reason of {@link runTool}. */
export async function runPsql(
  server: RunningServer,
  script: PsqlScript,
  options: RestoreOptions,
  signal: AbortSignal,
): Promise<Pick<RestoreReport, 'bytes' | 'warnings'>> {
  const stop = new AbortController();
  const { onProgress } = options;
  const onFault = () => stop.abort();
  const input = psqlInput(script, server.installation.psqlVersion, { onProgress, onFault }, signal);
  const warnings = await runTool(
    server,
    {
      tool: 'psql',
      args: input.args,
      feed: input.feed,
      lastWord: input.lastWord,
      onOutput: options.onOutput,
      // What follows a failed COPY is data, which psql would read as statements.
      onError: (entry) => {
        if (!isHarmless(entry)) stop.abort();
      },
      stop: stop.signal,
    },
    signal,
  );
  return { bytes: input.bytes(), warnings };
}
