import { mongodbEngine } from '@muster/engines';
import type { Scratch } from '@muster/scratch';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { askMongo, MONGO_FACTS, type MongoPlace, mongoBench } from '../support/mongo-bench.ts';
import { canRunMongo } from '../support/needs.ts';
import { never, type ServerBench } from '../support/server-bench.ts';

const PLACES: readonly MongoPlace[] = ['docker mongo', 'docker mongo by the bridge', 'bubblewrap mongo'];
const MIB = 1024 * 1024;
const code = (reason: string) => expect.objectContaining({ code: reason });

for (const place of PLACES) {
  const here = canRunMongo(place.startsWith('docker') ? 'docker' : 'bubblewrap');
  describe.runIf(here)(`a server of MongoDB started in ${place}`, () => {
    let bench: ServerBench;
    beforeAll(async () => {
      bench = await mongoBench(place);
    });
    afterAll(() => bench?.close());
    it('says what it is, and how to connect to it', async () => {
      await bench.within(MONGO_FACTS, async ({ scratch, server }) => {
        expect(server).toMatchObject({
          version: '7.0.77',
          substitute: expect.stringMatching(/^FerretDB 2\./),
        });
        const socket = encodeURIComponent(`${scratch.socketDir}/mongodb-27017.sock`);
        expect(server.connectCommand("it's")).toBe(String.raw`mongosh 'mongodb://${socket}/it'\''s'`);
      });
    });

    it('that ends is lost to whoever asks', async () => {
      await bench.within(MONGO_FACTS, async (up) => {
        const kill = `for p in /proc/[0-9]*; do
          case $(cat $p/comm 2>/dev/null) in mongod|ferretdb|postgres) kill -9 \${p#/proc/} ;; esac
        done; true`;
        await up.scratch.exec({ argv: ['sh', '-c', kill] }, never());
        expect(await askMongo(up, { database: 'shop', list_collections: true })).toEqual({
          kind: 'server_lost',
        });
      });
    });

    it('that does not come up is no server', async () => {
      const facts = bench.base.facts.replaceAll(/^(server\t)[^\t]+/gm, '$1/usr/bin/false');
      await inCell(async (scratch) => {
        const started = mongodbEngine.start(scratch, { ...bench.base, facts }, MONGO_FACTS, never());
        await expect(started).rejects.toEqual(code('launch_failed'));
      });
    });

    it('may be given up while it starts', async () => {
      await inCell(async (scratch) => {
        const stop = new AbortController();
        const started = mongodbEngine.start(scratch, bench.base, MONGO_FACTS, stop.signal);
        stop.abort();
        await expect(started).rejects.toEqual(code('cancelled'));
      });
    });

    /** A cell without a server. */
    async function inCell(use: (scratch: Scratch) => Promise<void>): Promise<void> {
      const { host, base } = bench;
      const spec = {
        drillId: 'drl_01JD0000000000000000000001',
        expiresAt: new Date(Date.now() + 60_000),
        user: mongodbEngine.admit(MONGO_FACTS, base).user,
        limits: { cpus: 2, memoryBytes: 1024 * MIB, diskBytes: 1024 * MIB, pids: 256 },
        data: 'disk' as const,
        mounts: [],
      };
      const scratch = await host.launch(base, spec, never());
      try {
        await use(scratch);
      } finally {
        await scratch.destroy();
      }
    }
  });
}
