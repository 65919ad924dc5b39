import type { Backup } from '@muster/backups';
import {
  type CheckRecord,
  isEvidence,
  MusterError,
  RESTORE_PREDICATE_TYPE,
  type RestorePhase,
  type RestorePredicate,
  type RestoreStatement,
  STATEMENT_TYPE,
} from '@muster/core';
import {
  askChecks,
  type BackupFacts,
  type DumpArtefact,
  type Examined,
  type Finished,
  notRun,
  restoreWhileExamining,
  type TargetRestore,
  type TargetSurvey,
} from '@muster/engines';
import { onThisMachine } from './on-this-machine.js';
import { type Phase, timed } from './phases.js';
import type { RestoreOutcome, RestorePorts, RestoreRequest } from './restore-ports.js';

/**
 * Restores one backup into a real server that a person named, and asks it the checks. Before anything is written every fault
 * is thrown; from then on each end is an outcome, with the state that the target is in.
 * @throws what finding, surveying and admitting throw, and what `confirm` does.
 */
export async function restoreBackup(
  ports: RestorePorts,
  request: RestoreRequest,
  signal: AbortSignal,
): Promise<RestoreOutcome> {
  const startedAt = ports.now();
  const [backup, target] = await bothOf(request.locate(signal), ports.target.survey(request.uri, signal));
  refuseNotEmpty(target, request, identityOf(backup));
  const here = await onThisMachine(ports, request, backup, signal);
  try {
    const { artefact, phases } = here;
    const facts = backup.facts ?? (await ports.engine.identify(artefact, signal));
    const found = { backup, artefact, facts, phases, target, startedAt };
    await agreed(ports, request, found, signal);
    return await new Restoring(ports, request, found).run(signal);
  } finally {
    await here.remove();
  }
}

interface Found {
  readonly backup: Backup;
  readonly artefact: DumpArtefact;
  readonly facts: BackupFacts;
  readonly target: TargetSurvey;
  /** That are behind it. */
  readonly phases: readonly Phase[];
  readonly startedAt: Date;
}

/** What stands against it is known, and a person has agreed. */
async function agreed(
  ports: RestorePorts,
  request: RestoreRequest,
  { backup, artefact: { sizeBytes }, facts, target }: Found,
  signal: AbortSignal,
): Promise<void> {
  const notes = await ports.target.admit(request.uri, target, { facts, sizeBytes }, signal);
  const isSource = request.sourceUri !== undefined && ports.target.isSame(request.uri, request.sourceUri);
  const { id, location, createdAt } = backup;
  const plan = { backup: { id, location, createdAt, sizeBytes }, format: facts.format, target, notes };
  await ports.confirm({ ...plan, isSource }, signal);
}

/** Both at once; of two faults the first. */
async function bothOf<A, B>(one: Promise<A>, two: Promise<B>): Promise<readonly [A, B]> {
  return await Promise.all([one, two]);
}

/** By this a second run knows that it goes on with the same backup. */
const identityOf = ({ id, mtime, artefact }: Backup): string =>
  `${id} ${artefact.form === 'stream' ? 0 : artefact.sizeBytes} ${mtime.toISOString()}`;

function refuseNotEmpty(target: TargetSurvey, { clean }: RestoreRequest, backup: string): void {
  const { left } = target;
  if (target.isEmpty || clean || (left?.where === target.name && left.backup === backup)) return;
  throw new MusterError(
    'target_not_empty',
    `The target ${JSON.stringify(target.name)} is not empty: it has ${target.tables} tables. Name an empty database, or one that is not there yet; or give --clean to replace what is there.`,
  );
}

class Restoring {
  readonly #ports: RestorePorts;
  readonly #request: RestoreRequest;
  readonly #found: Found;
  readonly #phases: Phase[];
  readonly #checks: CheckRecord[] = [];
  #examined: Examined | undefined;
  #finished: Finished | undefined;
  #tool: string | undefined;

  constructor(ports: RestorePorts, request: RestoreRequest, found: Found) {
    this.#ports = ports;
    this.#request = request;
    this.#found = found;
    this.#phases = [...found.phases];
  }

  async run(signal: AbortSignal): Promise<RestoreOutcome> {
    const { restoreId, uri } = this.#request;
    const { target, facts, backup } = this.#found;
    const { tools } = this.#ports;
    let restore: TargetRestore | undefined;
    try {
      restore = await this.#phase('prepare', () =>
        this.#ports.target.begin(
          uri,
          target,
          { restoreId, facts, tools, backup: identityOf(backup) },
          signal,
        ),
      );
      await this.#steps(restore, signal);
      return this.#outcome(await restore.giveUp(DONE));
    } catch (thrown) {
      const error = asFault(thrown, signal);
      const state = (await restore?.giveUp(error)) ?? `The target "${target.name}" is as it was.`;
      return this.#outcome(state, error);
    } finally {
      await restore?.close();
    }
  }

  async #steps(restore: TargetRestore, signal: AbortSignal): Promise<void> {
    const { request, ports } = { request: this.#request, ports: this.#ports };
    if (!restore.isWhole) await this.#phase('restore', () => this.#restore(restore, signal));
    const { waitMs, disconnect } = request;
    this.#finished = await this.#phase('finish', () =>
      restore.finish(
        { waitMs, disconnect, now: ports.now, onWaiting: (who) => ports.observe({ type: 'waiting', who }) },
        signal,
      ),
    );
    if (request.checks.length === 0) return;
    await this.#phase('check', () =>
      askChecks(
        restore,
        {
          checks: request.checks,
          database: this.#found.target.name,
          backupCreatedAt: this.#found.backup.createdAt,
          summaries: request.source?.summaries ?? 'full',
          now: ports.now,
          onOutput: ports.output,
          onRecord: (check) => {
            this.#checks.push(check);
            ports.observe({ type: 'check', check });
          },
          lost: ({ id }) =>
            new MusterError('target_lost', `The target ended while it answered the check "${id}".`),
        },
        signal,
      ),
    );
  }

  async #restore(restore: TargetRestore, signal: AbortSignal): Promise<void> {
    const { engine, observe, output } = this.#ports;
    const { artefact, facts } = this.#found;
    const options = {
      jobs: this.#request.jobs,
      onProgress: (progress: { bytes: number; totalBytes?: number }) =>
        observe({ type: 'progress', ...progress }),
      onOutput: output,
      onTool: (where: string) => {
        this.#tool = where;
        observe({ type: 'tool', where });
      },
    };
    await restoreWhileExamining(
      artefact,
      (one, stop) => restore.restore(one, options, stop),
      async (one, stop) => {
        this.#examined = await engine.examine(one, facts, { onBytes: () => undefined }, stop);
        if (this.#examined.fault !== undefined) throw this.#examined.fault;
      },
      signal,
    );
  }

  #phase<T>(name: RestorePhase, work: () => Promise<T>): Promise<T> {
    return timed(this.#ports, this.#phases, name, work);
  }

  #outcome(state: string, error?: MusterError): RestoreOutcome {
    const { restoreId, kind, source, checks } = this.#request;
    const { backup, facts, target, startedAt } = this.#found;
    const all = [...this.#checks, ...checks.slice(this.#checks.length).map(notRun)];
    const verdict = error === undefined ? rollUp(all) : { result: resultOf(error), reason: error.code };
    const examined = this.#examined;
    const kept = this.#finished?.kept;
    const statement: RestoreStatement = {
      _type: STATEMENT_TYPE,
      subject:
        examined === undefined
          ? []
          : [{ name: backup.id, digest: { sha256: examined.sha256.slice('sha256:'.length) } }],
      predicateType: RESTORE_PREDICATE_TYPE,
      predicate: {
        restore_id: restoreId,
        ...(source && { source: { slug: source.slug } }),
        kind,
        backup: {
          id: backup.id,
          location: backup.location,
          ...(examined && { sha256: examined.sha256, size_bytes: examined.sizeBytes }),
          format: facts.format,
        },
        target: {
          place: target.place,
          database: target.name,
          server_version: target.serverVersion,
          before: { tables: target.tables, rows: target.rows, bytes: target.bytes },
          ...(kept && { kept }),
        },
        ...(this.#tool && { tool: this.#tool }),
        phases: this.#phases,
        checks: all,
        ...verdict,
        muster_version: this.#ports.musterVersion,
        started_at: startedAt.toISOString(),
        ended_at: this.#ports.now().toISOString(),
      },
    };
    return {
      statement,
      state,
      ...(this.#finished && { finished: this.#finished }),
      ...(error && { error }),
    };
  }
}

/** What a restore that went well is told its end with. */
const DONE = new MusterError('internal', 'The restore is done.');

function asFault(thrown: unknown, signal: AbortSignal): MusterError {
  if (signal.aborted) return new MusterError('cancelled', 'The restore was interrupted.', { cause: thrown });
  if (thrown instanceof MusterError) return thrown;
  const code = thrown instanceof Error && 'code' in thrown ? ` (${String(thrown.code)})` : '';
  return new MusterError('target_lost', `The target refused a step of the restore${code}.`, {
    cause: thrown,
  });
}

const resultOf = (error: MusterError): 'fail' | 'error' => (isEvidence(error) ? 'fail' : 'error');

function rollUp(checks: readonly CheckRecord[]): Pick<RestorePredicate, 'result' | 'reason'> {
  const verdicts = new Set(checks.map(({ verdict }) => verdict));
  if (verdicts.has('fail')) return { result: 'fail', reason: 'check_failed' };
  if (verdicts.has('error') || verdicts.has('not_run')) return { result: 'error', reason: 'check_error' };
  return { result: 'pass' };
}
