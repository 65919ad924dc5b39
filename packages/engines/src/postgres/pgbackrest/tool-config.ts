import type { RepositorySet } from '../../artefact.js';

/** Where the files of the cluster are inside the scratch. */
export interface ClusterPaths {
  readonly data: string;
  readonly tablespaces: string;
}

export const clusterPaths = (dataDir: string): ClusterPaths => ({
  data: `${dataDir}/postgres`,
  tablespaces: `${dataDir}/tablespaces`,
});

/**
 * Where things of pgBackRest are inside the scratch. Beside the files of the cluster nothing is in the data directory,
 * which may outlive the scratch: the passphrase must not.
 */
export interface ToolPaths extends ClusterPaths {
  /** The configuration, which may hold the passphrase. */
  readonly config: string;
  readonly repository: string;
  readonly work: string;
}

export const toolPaths = (dataDir: string, repository: string): ToolPaths => ({
  ...clusterPaths(dataDir),
  config: '/tmp/pgbackrest/pgbackrest.conf',
  repository,
  work: '/tmp/pgbackrest',
});

/** The configuration of pgBackRest inside: all of it, so that nothing of an image's own is read. `ofServer`: of one that runs. */
export function toolConfig(
  set: Pick<RepositorySet, 'stanza' | 'passphrase'>,
  paths: ToolPaths,
  processMax: number,
  ofServer: readonly string[] = [],
): string {
  const passphrase = set.passphrase?.();
  return [
    '[global]',
    `repo1-path=${paths.repository}`,
    ...(passphrase === undefined ? [] : ['repo1-cipher-type=aes-256-cbc', `repo1-cipher-pass=${passphrase}`]),
    `lock-path=${paths.work}`,
    `spool-path=${paths.work}`,
    `log-path=${paths.work}`,
    'log-level-file=off',
    'log-level-stderr=off',
    'log-timestamp=n',
    // What cannot be read of a mounted directory at once cannot be read a quarter of a minute later.
    'job-retry=0',
    `process-max=${processMax}`,
    `[${set.stanza}]`,
    `pg1-path=${paths.data}`,
    ...ofServer,
    '',
  ].join('\n');
}
