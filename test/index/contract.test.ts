import { createPrivateKey } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  createDirectoryStore,
  createSigner,
  ensurePrivateKey,
  generateKeyPair,
  loadKeyring,
  putPlan,
} from '@muster/evidence';
import {
  type DrillIndex,
  type IndexedReceipt,
  openEmbeddedIndex,
  openPostgresIndex,
  rebuildIndex,
} from '@muster/index';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type DumpServer, dumpServer } from '../support/dumps.ts';
import { canRunIn } from '../support/needs.ts';
import { indexedReceipt, planOf, statementOf } from '../support/receipt-builder.ts';

const signal = AbortSignal.timeout(600_000);
const at = (minute: number): Date => new Date(Date.parse('2026-11-20T01:00:00.000Z') + minute * 60_000);
const ids = (drills: readonly { readonly drillId: string }[]) => drills.map(({ drillId }) => drillId);
const idOf = ({ statement }: IndexedReceipt) => statement.predicate.drill_id;

async function* these(receipts: readonly IndexedReceipt[]): AsyncGenerator<IndexedReceipt> {
  yield* receipts;
}

describe.each(['embedded', 'postgresql'] as const)('the index, %s', (kind) => {
  let folder: string;
  let server: DumpServer | undefined;
  let index: DrillIndex;
  let opened: DrillIndex | undefined;
  const open = () =>
    server === undefined
      ? openEmbeddedIndex(join(folder, 'index'), signal)
      : openPostgresIndex(`postgresql:///postgres?host=${server.dir}&user=postgres`, signal);

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'muster-index-'));
    if (kind === 'postgresql') server = await dumpServer(15);
    opened = await open();
    index = opened;
  });
  beforeEach(() => index.rebuild(these([]), signal));
  afterAll(async () => {
    if (opened !== undefined) await index.close();
    await server?.close();
    await rm(folder, { recursive: true });
  });

  it('gives back exactly what was put, however odd', async () => {
    const summary = JSON.parse(
      '{"__proto__":1,"n":1.5e-7,"text":"a\\u0000b é 日本 😀","big":"9007199254740993"}',
    );
    const base = statementOf(at(0));
    const checks = base.predicate.checks.map((check) => ({ ...check, id: `${check.id}\0`, summary }));
    const receipt = indexedReceipt(statementOf(at(0), { checks }));
    await index.put(receipt, signal);
    const found = await index.get(idOf(receipt), signal);
    expect(JSON.stringify(found?.statement)).toBe(JSON.stringify(receipt.statement));
    expect(found).toMatchObject({ key: receipt.key, sha256: receipt.sha256, askedAt: at(0), source: 'shop' });
  });

  it('leaves a receipt as it is that two put at once, and a second one of its drill', async () => {
    const receipt = indexedReceipt(statementOf(at(0)));
    await Promise.all([index.put(receipt, signal), index.put(receipt, signal)]);
    await index.put({ ...receipt, sha256: 'b'.repeat(64) }, signal);
    expect(await index.list({ limit: 10 }, signal)).toMatchObject([{ sha256: receipt.sha256 }]);
  });

  it('lists the newest first, by source, result, time and cursor', async () => {
    const failed = { result: 'fail', reason: 'no_backup' } as const;
    const receipts = [
      indexedReceipt(statementOf(at(0))),
      indexedReceipt(statementOf(at(1), failed)),
      indexedReceipt(statementOf(at(2), { source: { slug: 'other', kind: 'postgres' } })),
    ];
    for (const receipt of receipts) await index.put(receipt, signal);
    const [a, b, c] = receipts.map(idOf);
    const list = async (query: object) => ids(await index.list({ limit: 10, ...query }, signal));
    expect(await list({})).toEqual([c, b, a]);
    expect(await list({ limit: 1 })).toEqual([c]);
    expect(await list({ before: c })).toEqual([b, a]);
    expect(await list({ source: 'shop' })).toEqual([b, a]);
    expect(await list({ result: 'fail' })).toEqual([b]);
    expect(await list({ since: at(1) })).toEqual([c, b]);
    expect(await index.get('drl_none', signal)).toBeUndefined();
  });

  it('knows when each source last passed, whatever came after it that does not count', async () => {
    const failed = { result: 'fail', reason: 'no_backup' } as const;
    const other = { source: { slug: 'other', kind: 'postgres' } } as const;
    const never = { source: { slug: 'never', kind: 'postgres' }, ...failed } as const;
    const older = { restore_point: { kind: 'oldest', resolved: 'shop.dump' } } as const;
    const due = { kind: 'schedule', schedule: 'nightly', scheduled_for: at(1).toISOString() } as const;
    const receipts = [
      indexedReceipt(statementOf(at(0))),
      indexedReceipt(statementOf(at(1), { ...older, trigger: due })),
      indexedReceipt(statementOf(at(2), failed)),
      indexedReceipt(statementOf(at(3), older)),
      { ...indexedReceipt(statementOf(at(4))), proves: false },
      indexedReceipt(statementOf(at(5), other)),
      indexedReceipt(statementOf(at(6), never)),
    ];
    for (const receipt of receipts) await index.put(receipt, signal);
    const passes = await index.lastPasses({}, signal);
    expect(passes.toSorted((a, b) => (a.source < b.source ? -1 : 1))).toEqual([
      { source: 'other', at: at(5) },
      { source: 'shop', at: at(1) },
    ]);
    expect(await index.lastPasses({ source: 'shop' }, signal)).toEqual([{ source: 'shop', at: at(1) }]);
    expect(await index.lastPasses({ source: 'never' }, signal)).toEqual([]);
  });

  it('keeps the old rows where a rebuild does not end', async () => {
    const old = indexedReceipt(statementOf(at(0)));
    await index.put(old, signal);
    const broken = async function* () {
      for (let n = 0; n < 700; n += 1) yield indexedReceipt(statementOf(at(1)));
      throw new Error('the store is gone');
    };
    await expect(index.rebuild(broken(), signal)).rejects.toMatchObject({ code: 'index_unavailable' });
    expect(ids(await index.list({ limit: 10 }, signal))).toEqual([idOf(old)]);
  });

  it('is rebuilt from the evidence store without what does not verify', async () => {
    const keys = await ensurePrivateKey(
      { privateKey: join(folder, 'key'), keyring: join(folder, 'keys') },
      signal,
    );
    const store = createDirectoryStore(join(folder, 'evidence'));
    const good = statementOf(at(0));
    const forged = statementOf(at(1));
    const stranger = createSigner(createPrivateKey(generateKeyPair().privateKeyPem));
    await store.putOnce(indexedReceipt(good).key, createSigner(keys.privateKey).sign(good), signal);
    await store.putOnce(indexedReceipt(forged).key, stranger.sign(forged), signal);
    const keyring = await loadKeyring(join(folder, 'keys'));
    expect(await rebuildIndex({ store, keyring, index }, signal)).toMatchObject({
      indexed: 1,
      refused: [{ key: indexedReceipt(forged).key }],
    });
    expect(ids(await index.list({ limit: 10 }, signal))).toEqual([good.predicate.drill_id]);
  });

  it('says of rebuilt drills as before which count as passes: by their plans', async () => {
    const { privateKey } = await ensurePrivateKey(
      { privateKey: join(folder, 'key'), keyring: join(folder, 'keys') },
      signal,
    );
    const store = createDirectoryStore(join(folder, 'planned'));
    const api = { kind: 'api', requested_by: 'ci' } as const;
    const due = { kind: 'schedule', schedule: 'nightly', scheduled_for: at(0).toISOString() } as const;
    const [scheduled, whole, some, unplanned] = [
      statementOf(at(0), { trigger: due }),
      statementOf(at(1), { trigger: api }),
      statementOf(at(2), { trigger: api }),
      statementOf(at(3), { trigger: api }),
    ];
    const { environment } = scheduled.predicate;
    const standIn = statementOf(at(4), {
      trigger: { ...due, scheduled_for: at(4).toISOString() },
      environment: { ...environment, substitute: true },
    });
    for (const statement of [scheduled, whole, some, unplanned, standIn])
      await store.putOnce(indexedReceipt(statement).key, createSigner(privateKey).sign(statement), signal);
    await putPlan(store, planOf(whole), signal);
    await putPlan(store, { ...planOf(some), partial: true }, signal);
    await rebuildIndex({ store, keyring: await loadKeyring(join(folder, 'keys')), index }, signal);
    const drills = await index.list({ limit: 10 }, signal);
    expect(Object.fromEntries(drills.map(({ drillId, proves }) => [drillId, proves]))).toEqual({
      [scheduled.predicate.drill_id]: true,
      [whole.predicate.drill_id]: true,
      [some.predicate.drill_id]: false,
      [unplanned.predicate.drill_id]: false,
      [standIn.predicate.drill_id]: false,
    });
  });

  it('is there again when it is opened anew', async () => {
    const receipt = indexedReceipt(statementOf(at(0)));
    await index.put(receipt, signal);
    await index.close();
    index = await open();
    expect(ids(await index.list({ limit: 10 }, signal))).toEqual([idOf(receipt)]);
  });
});

describe.runIf(canRunIn('bubblewrap 15'))('the index in PostgreSQL', () => {
  let server: DumpServer;
  const url = () => `postgresql:///postgres?host=${server.dir}&user=postgres`;
  beforeAll(async () => {
    server = await dumpServer(15);
  });
  afterAll(() => server.close());

  it('is migrated once by several that open it at once', async () => {
    const opened = await Promise.all([1, 2, 3].map(() => openPostgresIndex(url(), signal)));
    expect(await server.sql('postgres', 'SELECT count(*) FROM muster.kysely_migration')).toBe('3\n');
    await Promise.all(opened.map((index) => index.close()));
  });

  it('knows which drills count as passes also of those from before it asked that', async () => {
    const first = await openPostgresIndex(url(), signal);
    const older = { restore_point: { kind: 'oldest', asked: 'a\0b', resolved: 'shop.dump' } } as const;
    const [newest, oldest] = [statementOf(at(0)), statementOf(at(1), older)];
    for (const statement of [newest, oldest])
      await first.put({ ...indexedReceipt(statement), proves: false }, signal);
    await first.close();
    await server.sql(
      'postgres',
      "ALTER TABLE muster.drills DROP COLUMN proves; DELETE FROM muster.kysely_migration WHERE name > '0002'",
    );
    const index = await openPostgresIndex(url(), signal);
    expect(await index.lastPasses({}, signal)).toEqual([{ source: 'shop', at: at(0) }]);
    await index.close();
  });

  it('no longer counts the passes of stand-ins that it counted before', async () => {
    const first = await openPostgresIndex(url(), signal);
    const { environment, checks } = statementOf(at(0)).predicate;
    const standIn = statementOf(at(3), { environment: { ...environment, substitute: true } });
    // A column of a check may be called so.
    const named = statementOf(at(2), {
      checks: checks.map((check) => ({ ...check, summary: { substitute: true } })),
    });
    await first.rebuild(
      these([standIn, named].map((one) => ({ ...indexedReceipt(one), proves: true }))),
      signal,
    );
    await first.close();
    await server.sql('postgres', "DELETE FROM muster.kysely_migration WHERE name > '0003'");
    const index = await openPostgresIndex(url(), signal);
    expect(await index.lastPasses({}, signal)).toEqual([{ source: 'shop', at: at(2) }]);
    await index.close();
  });

  it('shows the old rows while it is rebuilt', async () => {
    const index = await openPostgresIndex(url(), signal);
    const old = indexedReceipt(statementOf(at(0)));
    const fresh = indexedReceipt(statementOf(at(1)));
    await index.rebuild(these([old]), signal);
    const seen: string[] = [];
    const watching = async function* () {
      seen.push(...ids(await index.list({ limit: 10 }, signal)));
      yield fresh;
    };
    await index.rebuild(watching(), signal);
    expect(seen).toEqual([idOf(old)]);
    expect(ids(await index.list({ limit: 10 }, signal))).toEqual([idOf(fresh)]);
    await index.close();
  });
});

it('says what to do, without credentials, where no server answers', async () => {
  const failed = openPostgresIndex('postgresql://me:hunter2@127.0.0.1:1/muster', signal);
  const error = await failed.catch((error: unknown) => error);
  expect(error).toMatchObject({
    code: 'index_unavailable',
    message: expect.stringMatching(/ECONNREFUSED.*start/),
  });
  expect(String(error)).not.toMatch(/hunter2|me:/);
});
