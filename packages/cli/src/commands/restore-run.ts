import { resolve } from 'node:path';
import {
  MusterError,
  newRestoreId,
  parseDuration,
  parseSecretRef,
  type SecretRef,
  type SourceKind,
} from '@muster/core';
import { engineOf, restoreJobs, targetOf } from '@muster/engines';
import { type RestoreOutcome, type RestorePorts, type RestoreRequest, restoreBackup } from '@muster/restore';
import type { Cli } from '../cli.js';
import { interruptible } from '../interruption.js';
import { chooseSource, type LoadedConfig, loadConfig } from '../load-config.js';
import { openOutputLog } from '../output-log.js';
import { stateDirectory } from '../places.js';
import { EXIT } from '../problem.js';
import { checkTable } from '../render/checks.js';
import { fields } from '../render/fields.js';
import { restoreObserver } from '../render/restore.js';
import { resolveSecret } from '../resolve-secret.js';
import { planLines, typeName } from '../restore/confirm.js';
import { type KeptRecord, keepRecord } from '../restore/keep-record.js';
import { locateFrom, locateOfSource } from '../restore/locate.js';
import { restoreTools } from '../restore/tools.js';
import { printable } from '../terminal/printable.js';
import { musterVersion } from '../version.js';

export interface RestoreOptions {
  readonly source?: string;
  readonly backup?: string;
  readonly from?: string;
  readonly decrypt?: string;
  readonly into?: string;
  readonly intoDirectory?: string;
  readonly delta?: true;
  readonly at?: string;
  readonly clean?: true;
  readonly yes?: true;
  readonly disconnect?: true;
  readonly wait: string;
  readonly jobs?: string;
}

/** `muster restore`: exit code by the restore and its checks. */
export async function restoreRun(cli: Cli, options: RestoreOptions): Promise<number> {
  const { environment, output } = cli;
  if (options.delta || options.at !== undefined)
    throw new MusterError('usage', '--delta and --at belong to --into-directory.');
  const target = intoOf(options.into, environment.cwd);
  const loaded = options.from === undefined ? await loadConfig(cli) : undefined;
  const uri = await resolveSecret(target, environment.env);
  const restoreId = newRestoreId(environment.now());
  const request = await requestOf(cli, loaded, options, { restoreId, uri });
  const log = await openOutputLog(stateDirectory(environment), environment.now);
  const observer = restoreObserver(cli);
  return await interruptible(cli.process, observer.interrupted, async (signal) => {
    const ports: RestorePorts = {
      engine: engineOf(request.kind),
      target: targetOf(request.kind),
      tools: restoreTools(environment, loaded?.config),
      observe: observer.observe,
      confirm: async (plan, stop) => {
        for (const line of planLines(plan, output)) output.alert(line);
        if (!options.yes) await typeName(plan.target, process.stdin, output, stop);
      },
      output: (text) => log.append(restoreId, text),
      spool: async (id) => (await import('../wiring.js')).spoolOf(environment)(id),
      now: environment.now,
      musterVersion: musterVersion(),
    };
    const outcome = await restoreBackup(ports, request, signal).finally(observer.close);
    if (outcome.error?.output !== undefined) log.append(restoreId, `${outcome.error.output}\n`);
    const record = await keepRecord(cli, loaded, outcome.statement);
    present(cli, outcome, record, log.pathOf(restoreId));
    return EXIT[outcome.statement.predicate.result];
  });
}

async function requestOf(
  cli: Cli,
  loaded: LoadedConfig | undefined,
  options: RestoreOptions,
  asked: { readonly restoreId: string; readonly uri: string },
): Promise<RestoreRequest> {
  const { environment } = cli;
  const common = {
    ...asked,
    clean: options.clean ?? false,
    disconnect: options.disconnect ?? false,
    waitMs: waitOf(options.wait),
    jobs: jobsOf(options.jobs),
  };
  const kind = kindOf(asked.uri);
  if (loaded === undefined) {
    const { from = '', decrypt } = options;
    if (decrypt !== undefined && parseSecretRef(decrypt) === undefined)
      throw new MusterError(
        'usage',
        '--decrypt takes env:NAME or file:PATH, where the age key is that opens the backup.',
      );
    return {
      ...common,
      kind,
      checks: [],
      locate: (signal) => locateFrom(environment, kind, from, decrypt, asked, signal),
    };
  }
  if (options.decrypt !== undefined) throw new MusterError('usage', '--decrypt belongs to --from.');
  const source = chooseSource(loaded, options.source);
  if (source.kind !== kind)
    throw new MusterError(
      'usage',
      `The source "${source.slug}" is of the kind ${source.kind}, and the URI of --into is not.`,
    );
  const point =
    options.backup === undefined || options.backup === 'latest'
      ? ({ kind: 'latest' } as const)
      : ({ kind: 'id', id: options.backup } as const);
  const { connection } = source;
  // What cannot be had is no reason to restore nothing.
  const sourceUri =
    connection && (await resolveSecret(connection.uri, environment.env).catch(() => undefined));
  return {
    ...common,
    kind,
    source,
    checks: source.checks,
    ...(sourceUri !== undefined && { sourceUri }),
    locate: (signal) => locateOfSource(environment, source, point, asked, signal),
  };
}

function intoOf(text: string | undefined, cwd: string): SecretRef {
  if (text === undefined)
    throw new MusterError('usage', 'Into what? Name it with --into env:NAME or --into file:PATH.');
  const ref = parseSecretRef(text);
  if (ref === undefined)
    throw new MusterError(
      'usage',
      '--into takes env:NAME or file:PATH, where the connection URI is; a URI itself would stand in the list of processes.',
    );
  return ref.kind === 'file' ? { kind: 'file', path: resolve(cwd, ref.path) } : ref;
}

function kindOf(uri: string): SourceKind {
  if (/^postgres(?:ql)?:\/\//.test(uri.trim())) return 'postgres';
  if (/^mongodb(?:\+srv)?:\/\//.test(uri.trim())) return 'mongodb';
  throw new MusterError(
    'usage',
    'What --into names is no connection URI: it begins with postgresql:// or mongodb://.',
  );
}

function waitOf(text: string): number {
  const ms = parseDuration(text);
  if (ms === undefined) throw new MusterError('usage', '--wait takes a duration such as 30s or 5m.');
  return ms;
}

function jobsOf(text: string | undefined): number {
  if (text === undefined) return restoreJobs();
  const jobs = /^[1-9]\d{0,2}$/.test(text) ? Number(text) : 0;
  if (jobs === 0) throw new MusterError('usage', '--jobs takes a number of processes, 1 to 999.');
  return jobs;
}

export function present(cli: Cli, outcome: RestoreOutcome, record: KeptRecord, log: string): void {
  const { output } = cli;
  const { statement, state, finished, error } = outcome;
  const { predicate } = statement;
  const document = {
    restore_id: predicate.restore_id,
    result: predicate.result,
    ...(predicate.reason && { reason: predicate.reason }),
    ...(error && { message: error.message }),
    state,
    ...(finished?.kept && { kept: finished.kept }),
    record: record.path,
    signed: record.signed,
    statement,
  };
  output.result(document, () => {
    const { style, width } = output;
    const checks = predicate.checks.length === 0 ? [] : [...checkTable(predicate.checks, style, width), ''];
    const verdict =
      predicate.result === 'pass'
        ? style.good(
            predicate.checks.length === 0
              ? 'restored; no checks were asked'
              : 'restored, and the checks pass',
          )
        : style.bad(`${predicate.result}${predicate.reason ? ` (${predicate.reason})` : ''}`);
    return [
      ...checks,
      verdict,
      ...(error === undefined ? [] : [printable(error.message)]),
      printable(state),
      '',
      ...fields(
        [
          ['backup', printable(predicate.backup.id)],
          ['remove', finished?.remove && `${printable(finished.remove)} (when you are sure)`],
          ['record', `${record.path}${record.signed ? '' : ' (not signed: there is no key here)'}`],
          ['output', error === undefined ? undefined : log],
        ],
        style,
      ),
    ];
  });
}
