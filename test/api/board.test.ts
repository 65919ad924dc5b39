import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { newDrillId } from '@muster/core';
import { createDirectoryStore } from '@muster/evidence';
import {
  createDrillEvents,
  createDrillQueue,
  createReceiptQueue,
  openRedis,
  requestDrill,
} from '@muster/queue';
import { Queue } from 'bullmq';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { addressOf, apiTokens } from '../support/api-client.ts';
import { type Browser, canBrowse, startBrowser } from '../support/browser.ts';
import { type Fleet, type Service, startFleet } from '../support/fleet.ts';
import { canRunIn } from '../support/needs.ts';
import { plainDump } from '../support/plain-dump.ts';

const CHECK = "SELECT count(*) AS n, 'PLANTED-check' AS text, max(name) AS row FROM people";
const DUMP = "CREATE TABLE people (name text); INSERT INTO people VALUES ('PLANTED-row');";
const POISON = '<img src=x onerror="alert(1)">PLANTED-poison';
/** The icons of what Bull Board offers: of these a page has those buttons that somebody may use. */
const ACTS =
  'pause play corner-up-left rotate-cw plus files pencil clock trash-2 ban gauge chart-no-axes-gantt';
/** What the page of all queues says of each. */
const COUNTED = /\d Jobs?$/;

describe.runIf(canRunIn('docker') && canBrowse())('the board in a browser', () => {
  const { tokenOf, config } = apiTokens();
  let fleet: Fleet;
  let api: Service;
  let browser: Browser;
  let redis: ReturnType<typeof openRedis>;
  /** One that waits: there is no worker at first. */
  let waiting: string;
  /** One that would run in an hour. */
  let delayed: string;
  let viewer: Page;
  let admin: Page;
  beforeAll(async () => {
    const source = ['summaries: none', 'schedule: "0 3 * * *"'];
    fleet = await startFleet({ config, source, checks: { people: [CHECK, 'n == 1'] } });
    await writeFile(join(fleet.dumps, 'shop.sql'), plainDump(DUMP));
    const services = ['producer', 'sink', 'api'] as const;
    [browser, , , api] = (await Promise.all([
      startBrowser(),
      ...services.map((one) => fleet.start(one)),
    ])) as [Browser, Service, Service, Service];
    redis = openRedis(fleet.redis.url, 'commands');
    waiting = await fleet.enqueue();
    delayed = await later(waiting);
    await poison();
  });
  afterAll(async () => {
    await browser?.close();
    redis?.disconnect();
    await fleet?.close();
  });

  /** Asks for what another drill asks for, in an hour. */
  const later = async (like: string): Promise<string> => {
    const drills = createDrillQueue(redis);
    const receipts = createReceiptQueue(redis);
    const events = createDrillEvents(redis, fleet.redis.url);
    const found = await drills.find(like);
    if (found === undefined) throw new Error('the drill of the test is gone');
    const plan = { ...found.plan, drill_id: newDrillId(new Date()) };
    const ports = { store: createDirectoryStore(join(fleet.folder, 'evidence')), drills, receipts, events };
    await requestDrill(ports, plan, { delayMs: 3_600_000 }, AbortSignal.timeout(10_000));
    await Promise.all([drills.close(), receipts.close(), events.close()]);
    return plan.drill_id;
  };
  /** What is none of Muster's: a job that holds anything, and one that is no job at all. */
  const poison = async (): Promise<void> => {
    const drills = new Queue('drills', { connection: redis, prefix: 'muster' });
    const data = { html: POISON, [POISON]: 1 };
    await drills.add(POISON, data, { jobId: 'poison', delay: 3_600_000 });
    await drills.add('drill', {}, { jobId: 'unreadable', delay: 3_600_000 });
    await redis.del('muster:drills:unreadable');
    await redis.set('muster:drills:unreadable', POISON);
    await drills.close();
  };

  const at = (path: string): string => `${addressOf(api)}/queues${path}`;
  const signIn = async (page: Page, token: string): Promise<void> => {
    await page.getByLabel('Token').fill(token);
    await page.getByRole('button', { name: 'Sign in' }).click();
  };
  const signedIn = async (role: 'viewer' | 'admin'): Promise<Page> => {
    const page = await browser.visit();
    await page.goto(at(''));
    await signIn(page, tokenOf(role));
    await page.getByRole('link', { name: 'receipts' }).first().waitFor();
    return page;
  };
  const open = async (page: Page, path: string, text: string | RegExp): Promise<void> => {
    await page.goto(at(path));
    await page.getByText(text).first().waitFor();
    await browser.see(page);
  };
  /** Of {@link ACTS} those whose buttons can be seen now. */
  const acts = async (page: Page): Promise<readonly string[]> => {
    const icons = ACTS.split(' ');
    const seen = icons.map((icon) => page.locator(`svg.lucide-${icon}:visible`).count());
    const counts = await Promise.all(seen);
    return icons.filter((_icon, index) => counts[index] !== 0);
  };
  const menu = (page: Page) => page.locator('button:has(.lucide-ellipsis-vertical)').first();

  it('sends to sign in, and says that a token is not known', async () => {
    viewer = await browser.visit();
    await viewer.goto(at('/queue/drills'));
    expect(viewer.url()).toBe(at('/login'));
    await signIn(viewer, 'mst_wrong');
    expect(await viewer.getByRole('alert').textContent()).toBe('That token is not known.');
    expect(await viewer.context().cookies()).toEqual([]);
  });

  it('shows a viewer the queues and a job, and no button that does anything', async () => {
    await signIn(viewer, tokenOf('viewer'));
    await viewer.waitForURL(at('/'));
    for (const name of ['drills', 'receipts', 'ticks'])
      await viewer.getByRole('link', { name }).first().waitFor();
    await viewer.getByRole('link', { name: 'drills' }).first().click();
    await viewer.getByRole('link', { name: waiting }).click();
    await viewer.waitForURL((url) => url.pathname.endsWith(`/queues/queue/drills/${waiting}`));
    await viewer.getByText('config_sha256').first().waitFor();
    expect(await acts(viewer)).toEqual([]);
    for (const [path, text] of [
      ['/queue/drills', waiting],
      ['/queue/drills?status=delayed', delayed],
      [`/queue/drills/${delayed}`, delayed],
      ['/', COUNTED],
    ] as const) {
      await open(viewer, path, text);
      expect(await acts(viewer)).toEqual([]);
    }
    expect(await menu(viewer).count()).toBe(1);
    await menu(viewer).click();
    await viewer.getByText('Sort by').first().waitFor();
    expect(await acts(viewer)).toEqual([]);
  });

  it('shows the schedules, and of what is no job of Muster nothing that it holds', async () => {
    await open(viewer, '/job-schedulers', 'shop/');
    await open(viewer, '/queue/drills/poison', 'This does not have the shape of a job of Muster.');
    for (const tab of ['Progress', 'Options', 'Logs', 'Error']) {
      await viewer.getByRole('tab', { name: tab }).click();
      await browser.see(viewer);
    }
    await open(viewer, '/queue/drills?status=delayed', delayed);
  });

  it('refuses a viewer who asks without a button', async () => {
    const paths = ['pause', 'promote', `${delayed}/promote`, `${delayed}/clean`, 'empty', 'obliterate'];
    const statuses = await viewer.evaluate(
      async (asked) =>
        await Promise.all(
          asked.map(
            async (path) => (await fetch(`/queues/api/queues/drills/${path}`, { method: 'PUT' })).status,
          ),
        ),
      paths,
    );
    expect(statuses).toEqual(paths.map(() => 403));
  });

  it('has for an admin the buttons of what may be done, and no others', async () => {
    admin = await signedIn('admin');
    await open(admin, '/queue/drills?status=delayed', delayed);
    expect(await acts(admin)).toEqual(['corner-up-left']);
    await menu(admin).click();
    await admin.getByRole('menuitem', { name: 'Pause' }).waitFor();
    expect(await acts(admin)).toEqual(['pause', 'corner-up-left']);
    await open(admin, '/queue/drills?status=waiting', waiting);
    expect(await acts(admin)).toEqual([]);
    await open(admin, '/queue/ticks?status=delayed', 'repeat:shop/');
    expect(await acts(admin)).toEqual([]);
    expect(await menu(admin).count()).toBe(0);
  });

  it('lets an admin hold drills and let them go, and hurry one that is delayed: each has its receipt', async () => {
    const choose = async (name: string): Promise<void> => {
      await open(admin, '/queue/drills?status=waiting', 'drills');
      await menu(admin).click();
      await admin.getByRole('menuitem', { name }).click();
      await confirm();
    };
    const confirm = async (): Promise<void> => {
      const done = admin.waitForResponse((answer) => answer.request().method() === 'PUT');
      await admin.getByRole('button', { name: 'Confirm' }).click();
      expect((await done).ok()).toBe(true);
    };
    await choose('Pause');
    await fleet.start('worker');
    await admin.getByText('Paused').first().waitFor();
    expect(await redis.llen('muster:drills:wait')).toBe(1);
    const shown = await fleet.muster('drill', 'list');
    expect(shown.stdout).toContain('the queue of the pool default (it is paused)');
    await choose('Resume');
    expect(await fleet.receipt(waiting)).toMatchObject({ result: 'pass' });

    await open(admin, `/queue/drills/${delayed}`, delayed);
    await admin.locator('button:has(.lucide-corner-up-left)').click();
    await confirm();
    expect(await fleet.receipt(delayed)).toMatchObject({ result: 'pass' });
    expect(await fleet.receipts()).toHaveLength(2);
    expect(api.log.join('\n')).toContain('"by":"admin","act":"PUT /queues/api/queues/:queueName/pause"');
  });

  it('shows a pool that appears while it runs', async () => {
    await open(viewer, '/', COUNTED);
    await fleet.enqueue('--pool', 'eu');
    await viewer.getByRole('link', { name: 'drills-eu' }).first().waitFor();
  });

  it('ends with signing out', async () => {
    await open(admin, '/', COUNTED);
    await admin.locator('button:has(.lucide-circle-user)').click();
    const cookies = await admin.context().cookies();
    await admin.getByRole('menuitem', { name: 'Sign out' }).click();
    await admin.getByLabel('Token').waitFor();
    expect(await admin.context().cookies()).toEqual([]);
    await admin.context().addCookies(cookies);
    await admin.goto(at('/'));
    expect(admin.url()).toBe(at('/login'));
  });

  it('says within seconds that Redis is away, and is there again when Redis is', async () => {
    await fleet.redis.stop();
    const began = Date.now();
    const answer = await viewer.goto(at('/'));
    expect([answer?.status(), Date.now() - began < 10_000]).toEqual([503, true]);
    expect(await viewer.getByRole('alert').textContent()).toContain('Redis did not answer');
    const asked = fetch(at('/api/queues'), { headers: { authorization: `Bearer ${tokenOf('viewer')}` } });
    expect(await (await asked).json()).toMatchObject({ status: 503, code: 'redis_unavailable' });
    await fleet.redis.start();
    await viewer.getByRole('link', { name: 'Try again' }).click();
    await viewer.getByRole('link', { name: 'receipts' }).first().waitFor();
  });

  it('told nobody anything that is secret, ran nothing of anybody’s, and asked no other host', async () => {
    const answers = await browser.answers();
    expect(answers.length).toBeGreaterThan(50);
    expect(answers.join('\n')).toContain(waiting);
    expect(answers.join('\n').match(/.{80}PLANTED.{20}/g)).toBeNull();
    expect(browser.faults).toEqual([]);
    expect(
      browser.asked.filter((url) => !url.startsWith(addressOf(api)) && !url.startsWith('data:')),
    ).toEqual([]);
  });
});
