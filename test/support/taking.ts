import {
  createDumpTaker,
  type DumpTakerPorts,
  type TakeBackup,
  type Taken,
  type TakeOptions,
  type TakePlace,
} from '@muster/backups';
import { newTakeId, parseConfig, type Source } from '@muster/core';
import { engineOf, liveDumperOf } from '@muster/engines';
import { formatWorker, thisWorker } from '@muster/scratch';
import { never } from './server-bench.ts';

/** This process, as it signs what it is writing. */
export const HERE = formatWorker(thisWorker());
/** One that was on this machine, and is gone: no process was started when the machine was. */
export const DEAD = formatWorker({ ...thisWorker(), startTime: '1' });
/** One of which nobody here can tell. */
export const ELSEWHERE = formatWorker({ ...thisWorker(), host: 'other', kernel: 'other:1' });

/** A source whose dumps are taken. `keys`: YAML of its own, such as `take: { format: directory }`. */
export function takenSource(kind: Source['kind'], keys: string, location = '/backups'): Source {
  const backup = keys.includes('backup:') ? [] : [`backup: { type: dump, location: ${location} }`];
  const all = ['restore_only: true', 'connection: { uri: env:URI }', ...backup, keys].join(', ');
  const text = `sources:\n  - { slug: shop, kind: ${kind}, ${all} }\n`;
  const parsed = parseConfig(text, { file: '/muster.yaml', baseDirectory: '/' });
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.faults));
  const [source] = parsed.config.sources;
  if (source === undefined) throw new Error('there is one source');
  return source;
}

export interface Taking {
  readonly source: Source;
  readonly place: TakePlace;
  /** By the name of the variable. */
  readonly secrets: Readonly<Record<string, string>>;
  readonly now?: () => Date;
  readonly onProgress?: TakeOptions['onProgress'];
  readonly onOutput?: TakeOptions['onOutput'];
  readonly signal?: AbortSignal;
  readonly takeId?: string;
  readonly isAlone?: boolean;
  readonly openDump?: DumpTakerPorts['openDump'];
}

/** Takes one backup with this machine's own tools. */
export function take({ source, place, secrets, now = () => new Date(), ...asked }: Taking): Promise<Taken> {
  const taker: TakeBackup = createDumpTaker({
    engineOf,
    dumperOf: liveDumperOf,
    openDump:
      asked.openDump ??
      (async ({ kind }, uri, facts, options) => {
        const dump = await liveDumperOf(kind).dumpHere(uri, facts, options);
        if (dump === undefined) throw new Error('this machine has no tool for it');
        return dump;
      }),
    placeFor: () => place,
    resolveSecret: async (ref) => secrets[ref.kind === 'env' ? ref.name : ''] ?? '',
    worker: HERE,
    now,
    musterVersion: '0.1.0',
  });
  return taker(
    {
      takeId: asked.takeId ?? newTakeId(new Date()),
      source,
      trigger: { kind: 'cli' },
      ...(asked.isAlone && { isAlone: true }),
    },
    { onProgress: asked.onProgress ?? (() => {}), onOutput: asked.onOutput ?? (() => {}) },
    asked.signal ?? never(),
  );
}
