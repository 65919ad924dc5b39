import { basename, dirname } from 'node:path';
import { createDirectoryRepository } from '@muster/backups';
import { newRestoreId, type SourceKind } from '@muster/core';
import { engineOf, hostTools, targetOf } from '@muster/engines';
import {
  type RestoreEvent,
  type RestoreOutcome,
  type RestorePlan,
  type RestorePorts,
  type RestoreRequest,
  restoreBackup,
} from '@muster/restore';

/** What a test changes of a restore. */
export interface RestoreChanges extends Partial<Omit<RestoreRequest, 'restoreId' | 'kind' | 'uri'>> {
  readonly ports?: Partial<RestorePorts>;
  readonly signal?: AbortSignal;
}

/** What was seen of one restore. */
export interface Restored extends RestoreOutcome {
  readonly events: readonly RestoreEvent[];
  readonly plan: RestorePlan | undefined;
  readonly output: string;
}

/** Restores the dump at `path` into the target of `uri`, in this process. */
export async function restoreInto(
  kind: SourceKind,
  path: string,
  uri: string,
  { ports, signal = new AbortController().signal, ...changes }: RestoreChanges = {},
): Promise<Restored> {
  const events: RestoreEvent[] = [];
  let plan: RestorePlan | undefined;
  let output = '';
  const outcome = await restoreBackup(
    {
      engine: engineOf(kind),
      target: targetOf(kind),
      tools: hostTools(process.env),
      confirm: async (asked) => {
        plan = asked;
      },
      output: (text) => {
        output += text;
      },
      spool: async () => {
        throw new Error('Nothing has to be fetched.');
      },
      now: () => new Date(),
      musterVersion: '0.0.0',
      ...ports,
      observe: (event) => {
        events.push(event);
        ports?.observe?.(event);
      },
    },
    {
      ...{ restoreId: newRestoreId(new Date()), kind, uri, clean: false, jobs: 2 },
      ...{ waitMs: 1_000, disconnect: false, checks: [] },
      locate: async (stop) => {
        const listed = await createDirectoryRepository({
          directory: dirname(path),
          match: basename(path),
          engine: engineOf(kind),
          pause: async () => undefined,
        }).list(stop);
        const [backup] = listed;
        if (backup === undefined) throw new Error(`nothing at ${path}`);
        return backup;
      },
      ...changes,
    },
    signal,
  );
  return { ...outcome, events, plan, output };
}
