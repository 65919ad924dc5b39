// A process that writes one object into an evidence store and dies by SIGKILL in the middle of it: argv is where, the
// store and the key.
import fs, { type FileHandle } from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';

const [, , where = '', store = '', key = ''] = process.argv;

const die = (): Promise<never> => {
  process.kill(process.pid, 'SIGKILL');
  return new Promise(() => {});
};

await using probe = await fs.open('/dev/null');
const handles: FileHandle = Object.getPrototypeOf(probe);
const faults: Readonly<Record<string, () => void>> = {
  'half written': () => {
    handles.writeFile = async function (this: FileHandle, data) {
      await this.write((data as Uint8Array).subarray(0, 1000));
      await die();
    };
  },
  'not flushed': () => {
    handles.writeFile = async function (this: FileHandle, data) {
      await this.write(data as Uint8Array);
      await die();
    };
  },
  'not linked': () => {
    fs.link = die;
  },
  'linked, its other name not removed': () => {
    fs.unlink = die;
  },
};
const inject = faults[where];
if (inject === undefined) throw new Error(`there is no fault ${where}`);
inject();
syncBuiltinESMExports();

const { createDirectoryStore } = await import('@muster/evidence');
await createDirectoryStore(store).putOnce(key, Buffer.alloc(100_000, 'x'), new AbortController().signal);
