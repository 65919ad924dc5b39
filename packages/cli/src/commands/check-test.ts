import { type Answer, type Check, judge, MusterError, type Source, summaryJson } from '@muster/core';
import type { AskOptions } from '@muster/engines';
import type { Cli } from '../cli.js';
import { fileChanges } from '../file-changes.js';
import { interruptible } from '../interruption.js';
import { findKept } from '../kept-register.js';
import { chooseCheck, chooseSource, type LoadedConfig, loadConfig } from '../load-config.js';
import { drillObserver, performDrill } from '../perform-drill.js';
import { stateDirectory } from '../places.js';
import { asMusterError, ConfigFaults, EXIT } from '../problem.js';
import { type Asked, answerLines } from '../render/answer.js';
import { faultLines } from '../render/faults.js';
import type { DrillObserver } from '../render/observer.js';
import { verdictLines } from '../render/verdict.js';
import { commandName } from '../terminal/shell.js';
import { attach } from '../wiring.js';

export interface CheckTestOptions {
  readonly source?: string;
  readonly watch?: true;
  readonly restore?: true;
}

/** With --watch the scratch stays up while its author writes. */
const KEPT_AT_MOST_MS = 8 * 60 * 60_000;

/** A server that holds a restored backup, and how to ask it. */
interface Questioned {
  readonly database: string;
  readonly backupCreatedAt: Date;
  ask(check: Check, options: AskOptions, signal: AbortSignal): Promise<Answer>;
  release(): Promise<void>;
}

/** `muster check test`: exit code by the check's verdict. */
export async function checkTest(cli: Cli, id: string, options: CheckTestOptions): Promise<number> {
  if (options.watch && cli.output.json)
    throw new MusterError('usage', '--watch tells many results and --json is one document: use one of them.');
  const loaded = await loadConfig(cli);
  const source = chooseSource(loaded, options.source);
  const check = checkFor(loaded, source, id);
  let observer: DrillObserver | undefined;
  return interruptible(
    cli.process,
    () => observer?.interrupted(),
    async (signal) => {
      const kept = await findQuestioned(cli, source);
      const server = kept ?? (options.restore ? await restore(signal) : undefined);
      if (server === undefined) throw noScratch(cli, source);
      if (server === 'not restored') return EXIT.error;
      try {
        const first = await ask(cli, server, check, signal);
        present(cli, first);
        const last = options.watch
          ? await askOnChange(cli, loaded, server, first, source.slug, signal)
          : first;
        return EXIT[last.judgement.verdict];
      } finally {
        await server.release();
      }
    },
  );

  function restore(signal: AbortSignal): ReturnType<typeof restoreFor> {
    observer = drillObserver(cli);
    return restoreFor(cli, loaded, source, observer, signal);
  }
}

function checkFor(loaded: LoadedConfig, source: Source, id: string): Check {
  const check = chooseCheck(loaded, id);
  if (check.question.kind === source.kind) return check;
  throw new MusterError(
    'usage',
    `The check "${id}" asks ${check.question.kind}, and the source "${source.slug}" is ${source.kind}.`,
  );
}

async function findQuestioned({ environment }: Cli, source: Source): Promise<Questioned | undefined> {
  const entry = await findKept(stateDirectory(environment), source.slug, environment.now());
  if (entry === undefined) return undefined;
  return {
    database: entry.database,
    backupCreatedAt: new Date(entry.backupCreatedAt),
    ask: attach(entry),
    release: async () => {},
  };
}

async function restoreFor(
  cli: Cli,
  loaded: LoadedConfig,
  source: Source,
  observer: DrillObserver,
  signal: AbortSignal,
): Promise<Questioned | 'not restored'> {
  const asked = { source, restorePoint: { kind: 'latest' }, keepMs: KEPT_AT_MOST_MS } as const;
  const { kept, statement, message } = await performDrill(cli, loaded, asked, observer, signal);
  if (kept !== undefined)
    return {
      database: kept.database,
      backupCreatedAt: kept.backupCreatedAt,
      ask: (check, options, abort) => kept.server.ask(check, options, abort),
      release: () => kept.release(),
    };
  const { predicate } = statement;
  cli.output.result({ result: predicate.result, reason: predicate.reason, message }, () =>
    verdictLines(predicate, message, cli.output.style),
  );
  return 'not restored';
}

function noScratch({ environment }: Cli, { slug }: Source): MusterError {
  const run = `${commandName(environment.env)} drill run --source ${slug} --keep 1h`;
  return new MusterError(
    'usage',
    `No scratch of "${slug}" is kept here. Keep one with \`${run}\` in another terminal, or add --restore.`,
  );
}

async function ask(
  { environment }: Cli,
  server: Questioned,
  check: Check,
  signal: AbortSignal,
): Promise<Asked> {
  const began = environment.now().getTime();
  const answer = await server.ask(
    check,
    {
      database: check.database ?? server.database,
      backupCreatedAt: server.backupCreatedAt,
      timeoutMs: check.timeoutMs,
      onOutput: () => {},
    },
    signal,
  );
  const durationMs = environment.now().getTime() - began;
  return {
    id: check.id,
    expect: check.expect,
    answer,
    judgement: judge(answer, check.expectation),
    durationMs,
  };
}

function present({ output }: Cli, asked: Asked): void {
  const { id, answer, judgement, durationMs } = asked;
  const document = {
    id,
    verdict: judgement.verdict,
    ...(judgement.reason && { reason: judgement.reason }),
    message: judgement.message,
    ...(answer.kind === 'row' && { summary: summaryJson(answer.row) }),
    ...(answer.kind === 'query_failed' && { code: answer.code, server: answer.message }),
    duration_ms: durationMs,
  };
  output.result(document, () => answerLines(asked, output.style));
}

/** Asks again whenever the check changes, until interrupted. A fault in the file is shown, and waits to be corrected. */
async function askOnChange(
  cli: Cli,
  loaded: LoadedConfig,
  server: Questioned,
  first: Asked,
  slug: string,
  signal: AbortSignal,
): Promise<Asked> {
  const { output } = cli;
  const changes = fileChanges(loaded.file, signal);
  output.note(output.errStyle.dim(`Watching ${loaded.file}; Ctrl-C ends it.`));
  let asked = first;
  let seen = definition(checkFor(loaded, chooseSource(loaded, slug), first.id));
  for await (const _ of changes) {
    try {
      const now = await loadConfig(cli);
      const check = checkFor(now, chooseSource(now, slug), first.id);
      if (definition(check) === seen) continue;
      seen = definition(check);
      asked = await ask(cli, server, check, signal);
      const time = cli.environment.now().toTimeString().slice(0, 8);
      output.more(['', output.style.dim(time), ...answerLines(asked, output.style)]);
    } catch (thrown) {
      if (signal.aborted) break;
      const told = faultText(cli, asMusterError(thrown));
      if (told !== seen) output.alert(told);
      seen = told;
    }
  }
  return asked;
}

/** Equal where nothing of a check changed. */
const definition = (check: Check): string =>
  JSON.stringify(check, (_key, value) => (value instanceof Map ? [...value] : value));

function faultText({ output, environment }: Cli, error: MusterError): string {
  if (!(error instanceof ConfigFaults)) return error.message;
  const view = { excerpts: output.stderr.isTTY === true, width: output.stderr.columns ?? 100 };
  return faultLines(error, environment.cwd, output.errStyle, view).join('\n');
}
