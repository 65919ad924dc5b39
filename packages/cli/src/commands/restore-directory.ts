import { resolve } from 'node:path';
import { isMusterError, MusterError, newRestoreId, type PgbackrestConfig, type Source } from '@muster/core';
import { restoreSet } from '@muster/restore';
import { backupRepository } from '../backup-repository.js';
import type { Cli } from '../cli.js';
import { interruptible } from '../interruption.js';
import { chooseSource, loadConfig } from '../load-config.js';
import { openOutputLog } from '../output-log.js';
import { pgbackrestInto } from '../pgbackrest-here.js';
import { stateDirectory } from '../places.js';
import { EXIT } from '../problem.js';
import { restoreObserver } from '../render/restore.js';
import { setLines, typeName } from '../restore/confirm.js';
import { keepRecord } from '../restore/keep-record.js';
import { musterVersion } from '../version.js';
import { restorePointOf } from './restore-point-options.js';
import { present, type RestoreOptions } from './restore-run.js';

/** `muster restore --into-directory`: a backup set of pgBackRest, into the data directory of a server that is stopped. */
export async function restoreDirectory(cli: Cli, options: RestoreOptions): Promise<number> {
  const { environment, output } = cli;
  const loaded = await loadConfig(cli);
  const source = chooseSource(loaded, options.source);
  const backup = setsOf(source);
  const directory = resolve(environment.cwd, options.intoDirectory ?? '');
  const { backup: id, at } = options;
  const asked = {
    ...(id !== undefined && id !== 'latest' && { backup: id }),
    ...(at !== undefined && { at }),
  };
  const upTo = at ?? (asked.backup === undefined ? 'the newest WAL there is' : 'where the set ends');
  const restoreId = newRestoreId(environment.now());
  const repository = backupRepository(environment, source.kind, backup);
  const log = await openOutputLog(stateDirectory(environment), environment.now);
  const observer = restoreObserver(cli);
  return await interruptible(cli.process, observer.interrupted, async (signal) => {
    const outcome = await restoreSet(
      {
        tool: pgbackrestInto(environment, directory, backup),
        list: async (stop) =>
          await repository.list(stop).catch((error: unknown) => {
            // A pgbackrest.conf may name what only pgBackRest reads: another host, another cloud.
            const isForeign = backup.repository.kind === 'config' && !stop.aborted;
            if (isForeign && isMusterError(error) && error.code !== 'no_backup') return undefined;
            throw error;
          }),
        confirm: async (there, set, stop) => {
          const { path } = there;
          for (const line of setLines(there, set, { location: repository.location, upTo }, output))
            output.alert(line);
          if (!options.yes) await typeName({ name: path, what: 'path' }, process.stdin, output, stop);
        },
        observe: observer.observe,
        output: (text) => log.append(restoreId, text),
        now: environment.now,
        musterVersion: musterVersion(),
      },
      {
        restoreId,
        slug: source.slug,
        location: repository.location,
        point: restorePointOf(asked, environment.now()),
        directory,
        delta: options.delta ?? false,
      },
      signal,
    ).finally(observer.close);
    const record = await keepRecord(cli, loaded, outcome.statement);
    present(cli, outcome, record, log.pathOf(restoreId));
    return EXIT[outcome.statement.predicate.result];
  });
}

function setsOf({ slug, backup }: Source): PgbackrestConfig {
  if (backup.type === 'pgbackrest') return backup;
  throw new MusterError(
    'usage',
    `The backups of the source "${slug}" are no sets of pgBackRest: use --into.`,
  );
}
