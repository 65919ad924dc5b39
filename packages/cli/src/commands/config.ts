import { configJsonSchema, type DescribedConfig, describeConfig } from '@muster/core';
import type { Command } from 'commander';
import { Document, visit } from 'yaml';
import type { Cli, Perform } from '../cli.js';
import { retentionFinding } from '../doctor/retention.js';
import { loadConfig } from '../load-config.js';
import { EXIT } from '../problem.js';
import { nearest } from '../render/faults.js';
import { counted } from '../terminal/counted.js';
import { MARKS } from '../terminal/marks.js';

export function addConfigCommands(program: Command, perform: Perform): void {
  const config = program.command('config').description('the configuration: check it, see it');
  const add = (
    name: string,
    description: string,
    work: (cli: Cli) => Promise<number>,
    example: string,
  ): void => {
    config
      .command(name)
      .description(description)
      .addHelpText('after', `\nExample:\n  $ ${example}`)
      .action((_options: object, command: Command) => perform(command, work));
  };
  add(
    'check',
    'every fault of the file at once, with line and column',
    check,
    'muster config check --config prod.yaml',
  );
  add(
    'schema',
    'the JSON Schema of the configuration, for editors',
    schema,
    'muster config schema > muster.schema.json',
  );
  add(
    'show',
    'the configuration in force, defaults included; secrets stay references',
    show,
    'muster config show',
  );
  add(
    'push',
    'give this configuration to the fleet: the producer puts it in force until its own file changes',
    async (cli) => (await import('./config-push.js')).configPush(cli),
    'muster config push --config prod.yaml',
  );
}

async function check({ output, ...cli }: Cli): Promise<number> {
  const { file, config } = await loadConfig({ output, ...cli });
  const sources = config.sources.map(({ slug }) => slug);
  const checks = config.checks.map(({ id }) => id);
  for (const finding of config.sources.map(retentionFinding))
    if (finding?.outcome === 'warning') output.note(`${finding.subject}: ${finding.detail}`);
  output.result({ file, sources, checks, config_sha256: config.configSha256 }, () => {
    const { mark, paint } = MARKS.pass;
    const near = nearest(file, cli.environment.cwd);
    return [
      `${output.style[paint](mark)} ${near} is in order: ${counted(sources.length, 'source')}, ${counted(checks.length, 'check')}`,
    ];
  });
  return EXIT.pass;
}

async function schema({ output }: Cli): Promise<number> {
  const document = configJsonSchema();
  output.result(document, () => [JSON.stringify(document, null, 2)]);
  return EXIT.pass;
}

async function show(cli: Cli): Promise<number> {
  const document = describeConfig((await loadConfig(cli)).config);
  cli.output.result(document, () => [yamlOf(document)]);
  return EXIT.pass;
}

function yamlOf(described: DescribedConfig): string {
  const document = new Document(described);
  visit(document, {
    // Without an exponent it would be read as an integer, which JSON cannot hold exactly.
    Scalar: (_key, node) => {
      if (typeof node.value === 'number' && Math.abs(node.value) > 2 ** 53) node.format = 'EXP';
    },
  });
  return document.toString().trimEnd();
}
