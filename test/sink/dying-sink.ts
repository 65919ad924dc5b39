// A sink that stops in the middle of a message, says so, and waits to be killed: argv is where, the URL of Redis, and the
// folder of its keys and evidence.
import { join } from 'node:path';
import { createDirectoryStore } from '@muster/evidence';
import { startSink } from '@muster/sink';
import { portsOn } from './real-sink.ts';

const [, , where = '', url = '', folder = ''] = process.argv;

const stop = (): Promise<never> => {
  console.log('here');
  return new Promise(() => {});
};
const index = { put: where === 'stored, not indexed' ? stop : async () => {} };
const store = createDirectoryStore(join(folder, 'evidence'));
const { ports } = await portsOn(url, folder, { store, index, write: () => {} });
const states = where === 'indexed, not completed' ? { ...ports.states, settle: stop } : ports.states;
startSink({ ...ports, states });
