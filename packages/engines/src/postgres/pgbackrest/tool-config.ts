import type { RepositorySet } from '../../artefact.js';

/** Where things of pgBackRest are inside the scratch. */
export interface ToolPaths {
  /** The configuration, which may hold the passphrase. */
  readonly config: string;
  readonly repository: string;
  readonly data: string;
  readonly tablespaces: string;
  readonly work: string;
}

export const toolPaths = (dataDir: string, repository: string): ToolPaths => ({
  config: `${dataDir}/pgbackrest.conf`,
  repository,
  data: `${dataDir}/postgres`,
  tablespaces: `${dataDir}/tablespaces`,
  work: `${dataDir}/pgbackrest`,
});

/** The configuration of pgBackRest inside: all of it, so that nothing of an image's own is read. */
export function toolConfig(set: RepositorySet, paths: ToolPaths, processMax: number): string {
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
    '',
  ].join('\n');
}
