import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { expect, it } from 'vitest';
import { runHere } from '../../live/tool-dump.js';
import { RUN_MONGODUMP } from './own-mongodump.js';

it('reads its URI as it is from no argument, and is gone once it is aborted, whatever it waits for', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'muster-test-'));
  const uri = 'uri: "mongodb://a:$b`c\\\\\'@h/"';
  try {
    const tool = join(directory, 'mongodump');
    await writeFile(tool, '#!/bin/sh\nread -r line < /dev/stdin; printf "%s\\n" "$line $*"; exec sleep 60', {
      mode: 0o700,
    });
    const stop = new AbortController();
    const stdout = new PassThrough();
    const argv = ['/bin/sh', '-c', RUN_MONGODUMP, 'sh', tool] as const;
    const running = runHere(argv, { MUSTER_CONFIG: uri }, stdout, stop.signal);
    const [told] = await once(stdout, 'data');
    expect(String(told)).toBe(`${uri} --config=/dev/stdin --archive\n`);
    stop.abort();
    await expect(running).rejects.toThrow('aborted');
  } finally {
    await rm(directory, { recursive: true });
  }
});
