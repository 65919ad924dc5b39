import { isMusterError, MusterError, type SetType } from '@muster/core';
import { z } from 'zod';
import { TAKE_ANNOTATION } from '../pgbackrest/backup-info.js';
import type { PgbackrestTool } from '../pgbackrest/tool/pgbackrest-tool.js';
import type { TakeBackup, TakeOptions } from './take.js';
import { whyStopped } from './why-stopped.js';

export interface PgbackrestTakeOptions {
  readonly tool: Pick<PgbackrestTool, 'run'>;
  /** The location of a set, by its path in the repository. Without credentials. */
  readonly locationOf: (path: string) => Promise<string>;
  readonly stanza: string;
  /** Processes. Absent = as the configuration of pgBackRest says. */
  readonly jobs?: number;
  readonly now: () => Date;
}

const DEFAULT_LIMIT_MS = 6 * 60 * 60 * 1000;

/**
 * Takes a backup set with pgBackRest itself, on the machine of its server or of its repository. A set that did not come to
 * its end is in no list; the next take clears it away, or goes on with it. Nothing is ever expired by it.
 * @throws as {@link PgbackrestTool.run}; `corrupt` where pages of the cluster did not fit their checksums; `time_limit`.
 */
export function createPgbackrestTake({
  tool,
  locationOf,
  stanza,
  jobs,
  now,
}: PgbackrestTakeOptions): TakeBackup {
  return async ({ takeId, source, type = source.take?.type ?? 'incr' }, options, cancel) => {
    const startedAt = now();
    const limitMs = source.take?.limitMs ?? DEFAULT_LIMIT_MS;
    const limit = AbortSignal.timeout(limitMs);
    const signal = AbortSignal.any([cancel, limit]);
    const { label, swept } = await backUp(tool, { takeId, type, jobs }, options, signal).catch(
      (error: unknown) => {
        if (cancel.aborted) {
          const { code, words } = whyStopped(cancel);
          throw new MusterError(code, `${words} No backup set was left of it.`, { cause: error });
        }
        if (!limit.aborted) throw error;
        throw new MusterError(
          'time_limit',
          `The take reached its time limit of ${limitMs / 1000} s: raise take.limit of the source, or find what is slow. No backup set was left of it.`,
          { cause: error },
        );
      },
    );
    options.onProgress({ phase: 'examine' });
    const set = await setOf(tool, stanza, label, signal);
    if (set.error === true)
      throw new MusterError(
        'corrupt',
        `The backup set ${label} was taken, and pages of the cluster did not fit their checksums: files of the server itself are damaged. See what \`pgbackrest info --set=${label}\` names, and keep older sets.`,
      );
    const { size: databaseBytes, repository } = set.info;
    return {
      backupId: label,
      location: await locationOf(`backup/${stanza}/${label}`),
      // Not known of sets with block incrementals.
      sizeBytes: repository.size ?? databaseBytes,
      startedAt,
      endedAt: now(),
      swept,
      set: {
        type: set.type,
        databaseBytes,
        ...(repository.delta !== undefined && { addedBytes: repository.delta }),
        ...(set.prior && { prior: set.prior }),
      },
    };
  };
}

/** `backup file … (8KB, 12.34%) checksum …` */
const PERCENT = /\((?:.*, )?(\d{1,3}(?:\.\d+)?)%\)/;
const MADE = /new backup label = (\d{8}-\d{6}F(?:_\d{8}-\d{6}[DI])?)/;
/** A set that a take which died had begun. */
const LEFT = /(?:resumable|aborted) backup '?(\d{8}-\d{6}F(?:_\d{8}-\d{6}[DI])?)/;

interface Wanted {
  readonly takeId: string;
  readonly type: SetType;
  readonly jobs: number | undefined;
}

/** As pgBackRest before 2.41 says it. */
const NO_ANNOTATION = /invalid option '--annotation/;

async function backUp(
  tool: Pick<PgbackrestTool, 'run'>,
  { takeId, type, jobs }: Wanted,
  { onProgress, onOutput }: TakeOptions,
  signal: AbortSignal,
): Promise<{ readonly label: string; readonly swept: readonly string[] }> {
  let label: string | undefined;
  const swept = new Set<string>();
  const tell = (line: string) => {
    label = MADE.exec(line)?.[1] ?? label;
    const left = LEFT.exec(line)?.[1];
    if (left !== undefined) swept.add(left);
    const percent = PERCENT.exec(line)?.[1];
    if (percent === undefined) onOutput(`${line}\n`);
    else onProgress({ phase: 'dump', fraction: Math.min(1, Number(percent) / 100) });
  };
  onProgress({ phase: 'dump' });
  const asked = [
    `--type=${type}`,
    '--repo=1',
    // What is kept is said by `take.retain`, and never by the way.
    '--no-expire-auto',
    ...(jobs === undefined ? [] : [`--process-max=${jobs}`]),
    '--log-level-console=detail',
    '--log-level-stderr=off',
  ];
  const noted = [...asked, `--annotation=${TAKE_ANNOTATION}=${takeId}`];
  await tool.run('backup', noted, tell, signal).catch(async (error: unknown) => {
    if (!isMusterError(error) || !NO_ANNOTATION.test(error.output ?? '')) throw error;
    await tool.run('backup', asked, tell, signal);
  });
  if (label !== undefined) return { label, swept: [...swept] };
  throw new MusterError(
    'take_failed',
    'pgBackRest ended well, and told no label of a new backup set: see what `pgbackrest info` says.',
  );
}

const setSchema = z.object({
  label: z.string(),
  type: z.enum(['full', 'diff', 'incr']),
  prior: z.string().nullish(),
  error: z.boolean().nullish(),
  info: z.object({
    size: z.int().nonnegative(),
    repository: z.object({ size: z.int().nonnegative().optional(), delta: z.int().nonnegative().optional() }),
  }),
});
const infoSchema = z.array(z.object({ backup: z.array(setSchema).default([]) }));

async function setOf(
  tool: Pick<PgbackrestTool, 'run'>,
  stanza: string,
  label: string,
  signal: AbortSignal,
): Promise<z.infer<typeof setSchema>> {
  const options = ['--repo=1', '--output=json', '--log-level-console=off', '--log-level-stderr=off'];
  const told = await tool.run('info', options, () => undefined, signal);
  const found = parsed(told)
    ?.flatMap(({ backup }) => backup)
    .find((set) => set.label === label);
  if (found !== undefined) return found;
  throw new MusterError(
    'take_failed',
    `pgBackRest made the backup set ${label}, and does not list it: see what \`pgbackrest info --stanza=${stanza}\` says.`,
  );
}

function parsed(told: string): z.infer<typeof infoSchema> | undefined {
  try {
    return infoSchema.safeParse(JSON.parse(told)).data;
  } catch {
    return undefined;
  }
}
