import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { fillSample } from '../support/dumps.ts';
import { type Fleet, startFleet } from '../support/fleet.ts';
import { canRunIn } from '../support/needs.ts';
import { type S3Proxy, s3Proxy } from '../support/s3-proxy.ts';
import { canServeS3, S3_ENV, type S3Server, s3Access, s3Server } from '../support/s3-server.ts';

describe.runIf(canServeS3() && canRunIn('docker'))('a fleet whose backups lie in S3', () => {
  let server: S3Server | undefined;
  let proxy: S3Proxy | undefined;
  let fleet: Fleet | undefined;
  afterEach(async () => {
    await fleet?.close();
    await proxy?.close();
    await server?.close();
  });

  it('goes on where a worker was killed while it fetched: one receipt, and nothing is left', async () => {
    server = await s3Server({ versions: false });
    await server.makeBucket('backups');
    proxy = await s3Proxy(server.endpoint);
    fleet = await startFleet({
      source: [`backup: { type: dump, location: "s3://backups/shop/", s3: ${s3Access(proxy.endpoint)} }`],
      checks: { items: ['SELECT COUNT(*) AS n FROM shop.item', 'n == 2008'] },
      env: S3_ENV,
    });
    await fillSample(fleet.indexServer, 'sample');
    const dump = join(fleet.dumps, 'nightly');
    await fleet.indexServer.dump('sample', 'directory', dump);
    await server.putAll('backups', 'shop/nightly', dump);
    await Promise.all([fleet.start('producer'), fleet.start('sink')]);
    const doomed = await fleet.start('worker');
    // Its list, that of its members, and then they.
    proxy.fate('GET', 'pass', 'pass', 'halt');
    const drillId = await fleet.enqueue();
    await fleet.heard(drillId, (event) => event.type === 'phase-started' && event.phase === 'fetch');
    await doomed.signal('SIGKILL');
    proxy.fate('GET', 'pass');
    const heir = await fleet.start('worker');
    expect(await fleet.receipt(drillId)).toMatchObject({
      result: 'pass',
      backup: { id: 'nightly', location: 's3://backups/shop/nightly' },
      attempts: [{ outcome: 'lost' }, { outcome: 'pass' }],
    });
    expect(await fleet.receipts()).toHaveLength(1);
    await heir.signal('SIGTERM');
    expect(await fleet.leftovers()).toEqual([]);
  });
});
