import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { addressOf, apiTokens } from '../support/api-client.ts';
import { type Fleet, type Service, startFleet } from '../support/fleet.ts';
import { type MusterFolder, musterFolder } from '../support/muster.ts';
import { canRunIn } from '../support/needs.ts';
import { plainDump } from '../support/plain-dump.ts';

describe.runIf(canRunIn('docker'))('muster drill, where MUSTER_API_URL names the API of a fleet', () => {
  const { tokenOf, config } = apiTokens();
  let fleet: Fleet;
  let api: Service;
  let elsewhere: MusterFolder;
  beforeAll(async () => {
    fleet = await startFleet({ config, checks: { rows: ['SELECT 1 AS n, pg_sleep(4)', 'n == 1'] } });
    await writeFile(join(fleet.dumps, 'shop.sql'), plainDump('SELECT 1;'));
    const services = ['producer', 'sink', 'worker', 'api'] as const;
    api = (await Promise.all(services.map((service) => fleet.start(service)))).at(-1) as Service;
    elsewhere = await musterFolder();
  });
  afterAll(async () => {
    await fleet?.close();
    await elsewhere?.remove();
  });

  /** On a machine with neither configuration nor Redis. */
  const muster = (args: readonly string[], env: Readonly<Record<string, string>> = {}) =>
    elsewhere.run(args, { MUSTER_API_URL: addressOf(api), MUSTER_API_TOKEN: tokenOf('operator'), ...env });
  const json = async (...args: readonly string[]) => {
    const { stdout, stderr } = await muster([...args, '--json']);
    expect(stdout, stderr).not.toBe('');
    return JSON.parse(stdout);
  };

  it('asks, follows, lists and shows, and says what the receipt says', async () => {
    const watched = await muster(['drill', 'enqueue', '--watch', '--json']);
    expect(watched).toMatchObject({ exitCode: 0, stderr: expect.stringContaining('check rows: pass') });
    const { drill_id: id } = JSON.parse(watched.stdout);
    expect(await fleet.receipt(id)).toMatchObject({ trigger: { kind: 'api', requested_by: 'operator' } });
    expect(await json('drill', 'watch', id)).toMatchObject({ drill_id: id, result: 'pass' });
    expect(await json('drill', 'list')).toMatchObject({ drills: [{ drill_id: id, result: 'pass' }] });
    expect(await json('drill', 'show', id)).toMatchObject({ predicate: { drill_id: id, result: 'pass' } });
    const told = await muster(['drill', 'list']);
    expect(told.stdout).toMatch(new RegExp(`^${id} .* shop +shop.sql +✔ pass`, 'm'));
  });

  it('cancels a drill that runs', async () => {
    const { drill_id: id } = await json('drill', 'enqueue', '--source', 'shop');
    await fleet.heard(id, (event) => event.type === 'phase-started' && event.phase === 'check');
    expect(await json('drill', 'show', id)).toMatchObject({ drill_id: id, state: 'active', phase: 'check' });
    expect(await json('drill', 'cancel', id)).toEqual({ drill_id: id, outcome: 'stopping' });
    expect(await fleet.receipt(id)).toMatchObject({ reason: 'cancelled' });
    expect(await muster(['drill', 'cancel', id])).toMatchObject({ exitCode: 2 });
  });

  it.each([
    ['a wrong token', ['list'], { MUSTER_API_TOKEN: 'mst_x' }, 2, 'does not know the token'],
    ['no API', ['list'], { MUSTER_API_URL: 'http://127.0.0.1:1' }, 2, 'is not reached'],
    ['no URL', ['list'], { MUSTER_API_URL: 'localhost' }, 64, 'MUSTER_API_URL is no URL'],
    ['no such source', ['enqueue', '--source', 'none'], {}, 64, 'no source "none"'],
    ['what is no id', ['cancel', '../../x'], {}, 64, 'not the id of a drill'],
  ] as const)('says what is wrong: %s', async (_, args, env, exitCode, message) => {
    const { stderr, ...ended } = await muster(['drill', ...args], env);
    expect(ended).toMatchObject({ exitCode, stdout: '' });
    expect(stderr).toContain(message);
    expect(stderr).not.toMatch(/^\s+at /m);
    expect(stderr.trim().split('\n')).toHaveLength(1);
  });

  it('says so where the role of its token may not', async () => {
    const refused = await muster(['drill', 'enqueue'], { MUSTER_API_TOKEN: tokenOf('viewer') });
    expect(refused).toMatchObject({
      exitCode: 2,
      stderr: expect.stringContaining('The role viewer may not'),
    });
  });
});
