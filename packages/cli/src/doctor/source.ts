import { selectBackup } from '@muster/backups';
import { type Config, MusterError, newDrillId, type Source, writeSecretRef } from '@muster/core';
import { type BackupFacts, engineOf, liveDumperOf } from '@muster/engines';
import { backupRepository } from '../backup-repository.js';
import type { Cli } from '../cli.js';
import { backupFacts, ENGINE_NAMES } from '../render/facts.js';
import { resolveSecret } from '../resolve-secret.js';
import { drillHost } from '../wiring.js';
import { examine, type Finding } from './finding.js';
import type { Isolation } from './isolation.js';

/** Is there a backup of this source, and a server to restore it into? */
export async function examineSource(
  cli: Cli,
  config: Config,
  source: Source,
  isolation: Isolation,
  options: { readonly connect: boolean },
  signal: AbortSignal,
): Promise<Finding[]> {
  let needs: BackupFacts | undefined;
  const found = await examine(source.slug, async () => {
    const { facts, detail } = await locate(cli, source, options.connect, signal);
    needs = facts;
    return detail;
  });
  if (needs === undefined) return [found];
  const facts = needs;
  return [
    found,
    await examine(`${source.slug}: server`, () => serverFor(cli, config, source, facts, isolation, signal)),
  ];
}

async function locate(
  { environment }: Cli,
  source: Source,
  connect: boolean,
  signal: AbortSignal,
): Promise<{ readonly facts?: BackupFacts; readonly detail: string }> {
  const { backup, connection } = source;
  const bounded = AbortSignal.any([signal, AbortSignal.timeout(source.limits.locate)]);
  if (backup.type !== 'live') {
    const repository = backupRepository(environment, source.kind, backup);
    const backups = await repository.list(bounded);
    const asking = { drillId: newDrillId(environment.now()), location: repository.location };
    const { newest } = selectBackup(backups, { kind: 'latest' }, asking);
    const { id, artefact, createdAt } = newest;
    if (artefact.form === 'remote') return { detail: `${id}, which a drill fetches before it looks into it` };
    // What it would cost too much to look at in all backups is looked at in one.
    const facts =
      artefact.form === 'flow' ? await engineOf(source.kind).identify(artefact, bounded) : newest.facts;
    if (facts === undefined)
      throw new MusterError(
        'not_a_dump',
        `The newest of ${backups.length} backups, ${id}, is no dump that can be read.`,
      );
    const sizeBytes = artefact.form === 'stream' ? undefined : artefact.sizeBytes;
    const text = backupFacts(
      { backup: id, createdAt, format: facts.format, ...(sizeBytes !== undefined && { sizeBytes }) },
      environment.now(),
    );
    return { facts, detail: backups.length === 1 ? text : `${text} · newest of ${backups.length}` };
  }
  if (connection === undefined) throw new MusterError('usage', 'It has neither backups nor a connection.');
  const uri = await resolveSecret(connection.uri, environment.env);
  const where = writeSecretRef(connection.uri);
  if (!connect) return { detail: `dumped live from ${where}; name it with --source to try the connection` };
  const live = await liveDumperOf(source.kind).survey(uri, bounded);
  const { format, major, serverVersion, database } = live;
  const server = `${where} answers: ${ENGINE_NAMES[source.kind]} ${serverVersion}`;
  return {
    facts: { format, major, serverVersion, databases: database === undefined ? [] : [database] },
    detail: database === undefined ? server : `${server}, database ${database}`,
  };
}

/** As a drill would choose and admit it; an image that is not there yet is not pulled for this. */
async function serverFor(
  { environment }: Cli,
  config: Config,
  source: Source,
  facts: BackupFacts,
  { docker }: Isolation,
  signal: AbortSignal,
): Promise<string> {
  const image = (source.image ?? config.scratch.images[source.kind]).replaceAll(
    '{major}',
    String(facts.major),
  );
  let fellBack = '';
  const onFallback = (why: string): void => {
    fellBack = `, in bubblewrap: ${why}`;
  };
  const host = await drillHost(environment, config, { image, onFallback }, signal);
  if (host.isolation === 'docker' && !(docker?.available && (await docker.hasImage(image))))
    return `${image} is not here yet: the first drill pulls it, or docker pull ${image}`;
  const engine = engineOf(source.kind);
  engine.admit(facts, await host.prepare({ image, probe: engine.probe }, signal));
  return host.isolation === 'docker'
    ? image
    : `of this machine, for ${ENGINE_NAMES[source.kind]} ${facts.major}${fellBack}`;
}
