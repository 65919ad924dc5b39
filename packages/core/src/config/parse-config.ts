import type { ParsedConfig } from './config.js';
import { configSha256 } from './config-digest.js';
import { crossFaults } from './cross-checks.js';
import { type Fault, writePath } from './fault.js';
import { type ReadYaml, readYaml } from './read-yaml.js';
import { resolveConfig } from './resolve.js';
import { configSchema } from './schema.js';
import { schemaFaults } from './schema-faults.js';
import { at, jsonText, orderedMap, plainJson, type YamlTree } from './yaml-tree.js';

export interface ParseConfigOptions {
  /** For messages. */
  readonly file: string;
  /** Absolute; relative paths of the file are relative to it. */
  readonly baseDirectory: string;
}

/**
 * Reads a configuration: either all of it, or all of its faults in the order of the file. Text that is not YAML has
 * just the faults of its YAML, since of the rest nothing is certain.
 */
export function parseConfig(text: string, options: ParseConfigOptions): ParsedConfig {
  const read = readYaml(text);
  const { tree } = read;
  if (tree === undefined) {
    const empty: Fault = {
      offset: 0,
      path: [],
      message: `${options.file} is empty: a configuration has sources and checks`,
      code: 'invalid',
    };
    return refused(read.faults.length > 0 ? read.faults : [empty], read);
  }
  const parsed = configSchema.safeParse(plainJson(tree));
  const crossing = crossFaults(tree, (offset) => read.locate(offset).line);
  const structural = parsed.success ? [] : schemaFaults(parsed.error.issues, tree, text);
  const faults = [...read.faults, ...crossing, ...structural];
  if (!parsed.success || faults.length > 0) return refused(faults, read);
  const config = resolveConfig(parsed.data, {
    baseDirectory: options.baseDirectory,
    configSha256: configSha256(tree),
    summaryFind: (index) => findOf(tree, index),
  });
  return { ok: true, config, document: jsonText(tree) };
}

function findOf(tree: YamlTree, index: number): ReadonlyMap<string, unknown> {
  const find = at(tree, ['checks', index, 'summary_find']);
  return find?.kind === 'map' ? orderedMap(find) : new Map();
}

/** In the order of the file, and for each place in it just the first: a second is a consequence of that. */
function refused(faults: readonly Fault[], { locate }: ReadYaml): ParsedConfig {
  const byPlace = new Map<string, Fault>();
  for (const fault of faults) {
    const place = JSON.stringify([fault.offset, ...fault.path]);
    if (!byPlace.has(place)) byPlace.set(place, fault);
  }
  const inOrder = [...byPlace.values()].sort((a, b) => a.offset - b.offset);
  return {
    ok: false,
    faults: inOrder.map(({ offset, path, message, code }) => ({
      ...locate(offset),
      path: writePath(path),
      message,
      code,
    })),
  };
}
