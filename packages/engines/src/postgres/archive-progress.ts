import type { RestoreProgress } from '../engine.js';
import type { Toc } from './toc.js';

/**
 * How far pg_restore is in an archive that it reads by itself, told from its `--verbose` lines: the bytes of the archive
 * whose tables are done. Nothing is told where the archive does not say where its tables lie.
 */
export function archiveProgress(
  toc: Toc,
  totalBytes: number,
  onProgress: (progress: RestoreProgress) => void,
): (line: string) => void {
  const sizes = dataSizes(toc, totalBytes);
  const names = new Map(
    toc.entries
      .filter((entry) => sizes.has(entry.dumpId))
      .map((entry) => [`${entry.namespace}.${entry.tag}`, entry.dumpId]),
  );
  let bytes = 0;
  let current: number | undefined;
  const finish = (dumpId: number | undefined) => {
    const size = dumpId === undefined ? undefined : sizes.get(dumpId);
    if (size === undefined || dumpId === undefined) return;
    sizes.delete(dumpId);
    bytes += size;
    onProgress({ bytes, totalBytes });
  };
  return (line) => {
    const finished = /^pg_restore: finished item (\d+) /.exec(line)?.[1];
    if (finished !== undefined) return finish(Number(finished));
    const begun = /^pg_restore: processing data for table "(.*)"$/.exec(line)?.[1];
    if (begun === undefined) return;
    finish(current);
    current = names.get(begun);
  };
}

/** Bytes of each data block of a custom archive: they lie one behind the other. */
function dataSizes(toc: Toc, totalBytes: number): Map<number, number> {
  const blocks = toc.entries
    .flatMap(({ dumpId, data }) => (data?.state === 'set' ? [{ dumpId, offset: data.offset }] : []))
    .sort((a, b) => a.offset - b.offset);
  return new Map(
    blocks.map(({ dumpId, offset }, index) => [dumpId, (blocks[index + 1]?.offset ?? totalBytes) - offset]),
  );
}
