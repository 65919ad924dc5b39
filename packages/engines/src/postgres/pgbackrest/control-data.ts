import { MusterError } from '@muster/core';

/** What the control file of a cluster says that its server must be started with. */
export interface ControlData {
  readonly segmentBytes: number;
  /** Settings that a replay must not go below. */
  readonly minima: Readonly<Record<string, number>>;
}

/** Lines of `pg_controldata`, and the settings that they are about. */
const MINIMA = {
  'max_connections setting': 'max_connections',
  'max_worker_processes setting': 'max_worker_processes',
  'max_prepared_xacts setting': 'max_prepared_transactions',
  'max_locks_per_xact setting': 'max_locks_per_transaction',
} as const;

/** Reads what `pg_controldata` prints under `LC_ALL=C`. @throws `corrupt` */
export function readControlData(printed: string): ControlData {
  const values = new Map(
    printed.split('\n').flatMap((line) => {
      const [, name, value] = /^([^:]+):\s+(.*)$/.exec(line) ?? [];
      return name === undefined || value === undefined ? [] : [[name, Number(value)] as const];
    }),
  );
  const segmentBytes = values.get('Bytes per WAL segment');
  if (segmentBytes === undefined || !Number.isInteger(Math.log2(segmentBytes)) || segmentBytes > 2 ** 30) {
    throw new MusterError(
      'corrupt',
      'The control file of the restored cluster cannot be read. Take a new full backup.',
      { output: printed },
    );
  }
  const minima = Object.entries(MINIMA).flatMap(([line, setting]) => {
    const value = values.get(line);
    return value === undefined || !Number.isInteger(value) ? [] : [[setting, value] as const];
  });
  return { segmentBytes, minima: Object.fromEntries(minima) };
}
