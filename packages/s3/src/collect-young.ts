import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/** Bytes read between two collections. */
const EACH_BYTES = 4 * 1024 * 1024;

/**
 * Node makes buffers of each piece of an answer, and V8 lets 64 MB of those that nobody holds any more wait before it looks
 * for them: a reading would take that much beside its own. Told of the bytes that were read, this has the young ones
 * collected sooner, about a millisecond each time. It helps where whoever reads holds less than is read between two of them:
 * what two have seen is old.
 */
export function collectingYoung(): (bytes: number) => void {
  let since = 0;
  return (bytes) => {
    since += bytes;
    if (since < EACH_BYTES) return;
    since = 0;
    collect ??= exposedCollector();
    collect({ type: 'minor' });
  };
}

type Collector = (options: { readonly type: 'minor' }) => void;
let collect: Collector | undefined;

/** Without the flag on the command line, V8 gives it to contexts that are made from now on. */
function exposedCollector(): Collector {
  setFlagsFromString('--expose-gc');
  return runInNewContext('gc') as Collector;
}
