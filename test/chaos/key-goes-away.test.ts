import { rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually } from '../support/eventually.ts';
import { type Fleet, startFleet } from '../support/fleet.ts';
import { canRunIn } from '../support/needs.ts';
import { plainDump } from '../support/plain-dump.ts';

describe.runIf(canRunIn('docker'))('the signing key of a worker', () => {
  let fleet: Fleet;
  beforeAll(async () => {
    fleet = await startFleet({ checks: { rows: ['SELECT count(*) AS n FROM people', 'n == 1'] } });
    await writeFile(
      join(fleet.dumps, 'shop.sql'),
      plainDump('CREATE TABLE people (name text); INSERT INTO people VALUES (1);'),
    );
    await Promise.all([fleet.start('producer'), fleet.start('sink')]);
  });
  afterAll(() => fleet?.close());

  it('that goes away while it runs keeps its drills waiting, who say so, and costs none of them a try', async () => {
    const worker = await fleet.start('worker');
    const key = join(fleet.folder, 'fleet.key');
    await rename(key, `${key}.away`);
    const drillId = await fleet.enqueue();
    const waiting = await fleet.heard(drillId, (event) => event.type === 'waiting');
    expect(waiting).toMatchObject({ why: expect.stringContaining('has no key to sign with') });
    expect((await fleet.muster('drill', 'list')).stdout).toContain('a key to sign with on ');
    const said = /"level":"warn".*fleet\.key cannot be read.*"msg":"drill waits"/;
    await eventually('its log says why', () => worker.log.some((line) => said.test(line)));
    await rename(`${key}.away`, key);
    expect(await fleet.receipt(drillId)).toMatchObject({ result: 'pass', attempts: [{ outcome: 'pass' }] });
  });
});
