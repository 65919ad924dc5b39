import { watch } from 'node:fs';
import { basename, dirname } from 'node:path';
import { type Config, parseConfig, sha256 } from '@muster/core';
import type { ConfigFile, ProducerPorts, ReadConfig, Refused } from '@muster/producer';
import type { ConfigDocument } from '@muster/queue';
import type { Cli } from '../cli.js';
import { evidencePlaces, findConfig } from '../load-config.js';

type Parsed = { readonly ok: true; readonly read: ReadConfig } | Refused;

/** Reads a configuration that travels; where evidence lies is written out in what comes of it. */
export const parseDocument: ProducerPorts['parse'] = ({ text, directory, digest }: ConfigDocument) =>
  parsedIn(text, digest, directory);

/** The configuration file of a producer. */
export function configFile(cli: Cli, path: string): ConfigFile {
  return {
    path,
    digest: async () => sha256((await findConfig(cli)).text),
    read: async () => {
      const { text } = await findConfig(cli);
      return { fileDigest: sha256(text), ...parsedIn(text, path, dirname(path)) };
    },
    onChange: (listener) => {
      // The directory, because editors put a new file in the place of the old one.
      const watcher = watch(dirname(path), (_event, name) => {
        if (name === null || name === basename(path)) listener();
      });
      watcher.on('error', () => {});
      return { close: () => watcher.close() };
    },
  };
}

function parsedIn(text: string, file: string, directory: string): Parsed {
  const parsed = parseConfig(text, { file, baseDirectory: directory });
  if (!parsed.ok) return parsed;
  const config: Config = { ...parsed.config, evidence: evidencePlaces(parsed.config, directory) };
  return {
    ok: true,
    read: { config, document: { digest: config.configSha256, text: parsed.document, directory } },
  };
}
