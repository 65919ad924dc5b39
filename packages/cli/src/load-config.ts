import { readFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import {
  type Check,
  type Config,
  type EvidencePlace,
  MusterError,
  parseConfig,
  type Source,
} from '@muster/core';
import type { ConfigDocument } from '@muster/queue';
import type { Cli } from './cli.js';
import { ConfigFaults } from './problem.js';
import { readFailure } from './read-failure.js';

/** Where a configuration is looked for, in this order, when neither `--config` nor `MUSTER_CONFIG` names one. */
const NAMES = ['muster.yaml', 'config.yaml'] as const;

export interface LoadedConfig {
  /** Absolute. */
  readonly file: string;
  readonly config: Config;
  /** Where evidence and public keys lie: as configured, else beside the configuration. Paths are absolute. */
  readonly evidence: EvidencePlaces;
  /** The configuration as it travels. */
  readonly document: ConfigDocument;
}

export interface EvidencePlaces {
  readonly store: EvidencePlace;
  readonly keyring: string;
}

/** Where evidence and public keys lie: as configured, else in the directory of the configuration. */
export function evidencePlaces({ evidence: { store, keyring } }: Config, directory: string): EvidencePlaces {
  return {
    store: store ?? { type: 'directory', location: join(directory, 'evidence') },
    keyring: keyring ?? join(directory, 'keys'),
  };
}

/** @throws `config_not_found`, {@link ConfigFaults} with every fault of the file. */
export async function loadConfig(cli: Cli): Promise<LoadedConfig> {
  const { file, text } = await findConfig(cli);
  const directory = dirname(file);
  const parsed = parseConfig(text, { file, baseDirectory: directory });
  if (!parsed.ok) throw new ConfigFaults(file, text, parsed.faults);
  const { config, document } = parsed;
  return {
    file,
    config,
    evidence: evidencePlaces(config, directory),
    document: { digest: config.configSha256, text: document, directory },
  };
}

/** The source that is meant: the one named, or the only one there is. @throws `usage`, listing what there is. */
export function chooseSource(
  { config, file }: Pick<LoadedConfig, 'config' | 'file'>,
  slug: string | undefined,
): Source {
  const slugs = config.sources.map((source) => source.slug);
  const [only] = config.sources;
  const chosen =
    slug === undefined && slugs.length === 1 ? only : config.sources.find((source) => source.slug === slug);
  if (chosen !== undefined) return chosen;
  const what = slug === undefined ? 'Which source? Name it with --source' : `There is no source "${slug}"`;
  throw new MusterError('usage', `${what}: ${file} has ${slugs.join(', ')}.`);
}

/** @throws `usage`, listing what there is. */
export function chooseCheck({ config, file }: LoadedConfig, id: string): Check {
  const chosen = config.checks.find((check) => check.id === id);
  if (chosen !== undefined) return chosen;
  const ids = config.checks.map((check) => check.id);
  throw new MusterError(
    'usage',
    `There is no check "${id}": ${file} has ${ids.length === 0 ? 'none' : ids.join(', ')}.`,
  );
}

export async function findConfig({
  environment,
  configOption,
}: Cli): Promise<{ file: string; text: string }> {
  const { cwd, env } = environment;
  const named = configOption ?? (env['MUSTER_CONFIG'] || undefined);
  for (const name of named === undefined ? NAMES : [named]) {
    const file = resolve(cwd, name);
    const text = await readIfThere(file);
    if (text !== undefined) return { file, text };
  }
  throw new MusterError(
    'config_not_found',
    named === undefined
      ? `No configuration: there is no ${NAMES.join(' or ')} in ${cwd}. Name one with --config or MUSTER_CONFIG.`
      : `No configuration: there is no file ${resolve(cwd, named)}. Correct --config or MUSTER_CONFIG.`,
  );
}

async function readIfThere(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, 'utf8');
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    if (code === 'ENOENT') return undefined;
    const why = readFailure(cause);
    throw new MusterError('config_not_found', `The configuration ${file} cannot be read: ${why}.`, { cause });
  }
}
