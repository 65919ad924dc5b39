import { stat } from 'node:fs/promises';
import type { Answer, Check } from '@muster/core';
import {
  type Artefact,
  type AskOptions,
  type BackupFacts,
  postgresEngine,
  type RestoreOptions,
  type RestoreReport,
  type Server,
} from '@muster/engines';
import type { Base, LaunchSpec, Scratch, ScratchHost } from '@muster/scratch';
import { never, serverBench } from './server-bench.ts';

export { never };

export type Place = 'docker 15' | 'docker 17' | 'docker 15 by the bridge' | 'bubblewrap 15';

/** A kind of place where servers are launched, with directories of its own. */
export interface EngineBench {
  readonly host: ScratchHost;
  readonly base: Base;
  /** Launches, starts, hands over, and destroys whatever happens. */
  within<T>(facts: BackupFacts, use: (running: Running) => Promise<T>, options?: WithinOptions): Promise<T>;
  /** Identifies, launches, restores, and hands the server over. */
  restored<T>(
    path: string,
    use: (running: Running & Restored) => Promise<T>,
    options?: WithinOptions,
  ): Promise<T>;
  close(): Promise<void>;
}

export interface WithinOptions {
  readonly limits?: Partial<LaunchSpec['limits']>;
  /** Shown inside, where directories can be shared. */
  readonly artefact?: Artefact;
  readonly restore?: Partial<RestoreOptions>;
}

export interface Running {
  readonly scratch: Scratch;
  readonly server: Server;
  ask(
    database: string,
    sql: string,
    options?: Partial<AskOptions & Pick<Check, 'readOnly'>>,
  ): Promise<Answer>;
  restore(artefact: Artefact, facts: BackupFacts, options?: Partial<RestoreOptions>): Promise<RestoreReport>;
  /** What tools and the server printed. */
  readonly output: () => string;
}

export interface Restored {
  readonly report: RestoreReport;
  readonly database: string;
}

export async function artefactOf(path: string): Promise<Extract<Artefact, { form: 'file' | 'directory' }>> {
  const facts = await stat(path);
  const name = path.slice(path.lastIndexOf('/') + 1);
  return { form: facts.isDirectory() ? 'directory' : 'file', name, path, sizeBytes: facts.size };
}

export async function engineBench(place: Place): Promise<EngineBench> {
  const major = /\d+/.exec(place)?.[0] ?? '';
  const bench = await serverBench(postgresEngine, `muster.test/postgres:${major}`, place);
  const { host, base } = bench;
  const within: EngineBench['within'] = (facts, use, options = {}) =>
    bench.within(
      facts,
      ({ scratch, server, output, onOutput }) =>
        use({
          scratch,
          server,
          output,
          ask: (database, sql, { readOnly = false, ...asked } = {}) =>
            server.ask(question(sql, readOnly), { database, timeoutMs: 20_000, onOutput, ...asked }, never()),
          restore: (backup, known, more = {}) =>
            server.restore(
              backup,
              {
                facts: known,
                fallbackDatabase: 'restored',
                jobs: 2,
                onProgress: () => undefined,
                onOutput,
                ...more,
              },
              never(),
            ),
        }),
      options,
    );
  return {
    host,
    base,
    within,
    restored: async (path, use, options = {}) => {
      const artefact = await artefactOf(path);
      const facts = await postgresEngine.identify(artefact, never());
      return within(
        facts,
        async (running) => {
          const report = await running.restore(artefact, facts, options.restore);
          return use({ ...running, report, database: report.databases[0] ?? '' });
        },
        { ...options, artefact },
      );
    },
    close: bench.close,
  };
}

function question(summarySql: string, readOnly: boolean): Check {
  return {
    id: 'asked',
    question: { kind: 'postgres', summarySql },
    expect: 'n == 0',
    expectation: { column: 'n', operator: '==', literal: { kind: 'number', text: '0' } },
    timeoutMs: 60_000,
    readOnly,
  };
}
