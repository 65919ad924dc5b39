import { describeBackup } from '@muster/backups';
import { MusterError, parseSecretRef, type SecretRef, type Source } from '@muster/core';
import { engineOf, liveDumperOf } from '@muster/engines';
import { s3Connection } from '@muster/s3';
import { backupRepository } from '../backup-repository.js';
import type { Cli } from '../cli.js';
import { interruptible } from '../interruption.js';
import { chooseSource, loadConfig } from '../load-config.js';
import { EXIT } from '../problem.js';
import { resolveSecret } from '../resolve-secret.js';
import { printable } from '../terminal/printable.js';

export interface BackupManifestOptions {
  readonly source?: string;
  readonly backup: string;
  readonly from?: string;
}

/** `muster backup manifest`: exit code 0 once the record lies beside the backup. */
export async function backupManifest(cli: Cli, options: BackupManifestOptions): Promise<number> {
  const { environment, output } = cli;
  const loaded = await loadConfig(cli);
  const source = chooseSource(loaded, options.source);
  const { backup, kind } = source;
  if (backup.type !== 'dump') {
    throw new MusterError(
      'usage',
      `The source "${source.slug}" keeps no dumps, beside which a record could lie (backup: { type: dump }).`,
    );
  }
  return await interruptible(
    cli.process,
    () => {},
    async (signal) => {
      const uri = await resolveSecret(refOf(source, options.from), environment.env);
      const ports = {
        engine: engineOf(kind),
        dumper: liveDumperOf(kind),
        repository: backupRepository(environment, kind, backup),
        connection: () =>
          backup.place.type === 's3'
            ? s3Connection(backup.place.s3, (ref) => resolveSecret(ref, environment.env))
            : undefined,
      };
      const asked = { source, backup, backupId: options.backup, uri };
      const { record, location } = await describeBackup(ports, asked, signal);
      const { level, databases = [] } = record.fidelity ?? {};
      const tables = databases.reduce((sum, database) => sum + database.tables.length, 0);
      const { id, sha256 } = record.backup;
      output.result({ id, source: source.slug, location, sha256, fidelity: level, tables }, () => [
        `${output.style.good('✔')} ${output.style.bold(printable(id))}  ${output.style.dim(`described · ${printable(location)} · fidelity ${level ?? 'none'}`)}`,
      ]);
      return EXIT.pass;
    },
  );
}

function refOf({ slug, connection }: Source, from: string | undefined): SecretRef {
  const ref = from === undefined ? connection?.uri : parseSecretRef(from);
  if (ref !== undefined) return ref;
  throw new MusterError(
    'usage',
    from === undefined
      ? `The source "${slug}" has no connection: name the replica to record with --from env:NAME or file:PATH.`
      : '--from takes env:NAME or file:PATH, a reference to the connection URI and not the URI itself.',
  );
}
