import { randomBytes } from 'node:crypto';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { BSON } from 'mongodb';
import { describe, expect, it } from 'vitest';
import { errored, failed, projectOfEachTest, verdictOf } from '../support/drill-project.ts';
import { writeMongodump } from '../support/mongodump.ts';
import { canRunMongo } from '../support/needs.ts';

const drillProject = projectOfEachTest();

const people = { documents: [{ _id: 1, name: 'somebody' }] };
const count = (database: string, collection: string) => ({ database, collection, filter: {} });

/** A project with a dump of two collections, in a directory that a test may spoil. */
async function given(source: readonly string[] = []) {
  const project = await drillProject({
    isolation: 'docker',
    kind: 'mongodb',
    source,
    checks: {
      people: [count('shop', 'people'), 'n == 1'],
      users: [count('admin', 'system.users'), 'n == 0'],
      roles: [count('admin', 'system.roles'), 'n == 0'],
    },
  });
  const dump = join(project.dumps, 'shop-dump');
  await writeMongodump(dump, 'shop', { people, others: people });
  const metadata = async (change: object) => {
    const path = join(dump, 'shop', 'people.metadata.json');
    await writeFile(path, JSON.stringify({ ...JSON.parse(await readFile(path, 'utf8')), ...change }));
  };
  return { ...project, dump, metadata };
}

describe.runIf(canRunMongo('docker'))('a drill of what mongodump wrote', () => {
  it.each([
    ['documents', 'people.bson'],
    ['metadata', 'people.metadata.json'],
  ])('fails without the %s of a collection', async (_, file) => {
    const { drill, dump } = await given();
    await rm(join(dump, 'shop', file));
    const drilled = await drill();
    expect(verdictOf(drilled)).toEqual(failed('truncated'));
    expect(drilled.stdout + drilled.stderr).toContain('shop.people');
  });

  it('fails where the metadata are those of another collection', async () => {
    const { drill, metadata } = await given();
    await metadata({ collectionName: 'others' });
    expect(verdictOf(await drill())).toEqual(failed('corrupt'));
  });

  it('fails where an index cannot be built, and says which, but not over what', async () => {
    const { drill, dump } = await given();
    await writeMongodump(dump, 'shop', {
      users: {
        documents: [
          { _id: 1, email: 'secret@example.com' },
          { _id: 2, email: 'secret@example.com' },
        ],
        indexes: [{ v: 2, key: { email: 1 }, name: 'email_1', unique: true }],
      },
    });
    const drilled = await drill();
    expect(verdictOf(drilled)).toEqual(failed('restore_failed'));
    expect(drilled.stdout + drilled.stderr).toContain('The index "email_1" of shop.users could not be built');
    expect(drilled.stdout + drilled.stderr).not.toContain('secret');
  });

  it('does not judge a kind of collection that it does not know', async () => {
    const { drill, metadata } = await given();
    await metadata({ type: 'hologram' });
    const drilled = await drill();
    expect(verdictOf(drilled)).toEqual(errored('needs_mongorestore'));
    expect(drilled.stdout + drilled.stderr).toContain('shop.people');
  });

  it('does not judge a dump with an oplog where there is no mongorestore', async () => {
    const { drill, dump } = await given();
    await writeFile(join(dump, 'oplog.bson'), BSON.serialize({ op: 'n' }));
    const drilled = await drill();
    expect(verdictOf(drilled)).toEqual(errored('needs_mongorestore'));
    expect(drilled.stdout + drilled.stderr).toContain('oplog');
  });

  it('does not judge what its scratch has no memory for', async () => {
    const { drill, dump } = await given(['scratch: { memory: 128MiB }']);
    const documents = [1, 2, 3, 4].map((_id) => ({ _id, noise: randomBytes(15_000_000) }));
    await writeMongodump(dump, 'shop', { noise: { documents } });
    expect(verdictOf(await drill())).toEqual(errored('scratch_out_of_memory'));
  });

  it('is not locked out by users and roles, which are not restored', async () => {
    const { drill, dump } = await given();
    const access = {
      'system.users': { documents: [{ _id: 'admin.root', user: 'root', db: 'admin' }] },
      'system.roles': { documents: [{ _id: 'admin.none', role: 'none', db: 'admin', privileges: [] }] },
      'system.version': { documents: [{ _id: 'authSchema', currentVersion: 5 }] },
    };
    await writeMongodump(dump, 'admin', access);
    await writeFile(join(dump, 'shop', '$admin.system.users.bson'), BSON.serialize({ _id: 'shop.reader' }));
    const drilled = await drill();
    expect(drilled.predicate?.checks.map(({ id, verdict }) => [id, verdict])).toEqual([
      ['people', 'pass'],
      ['users', 'pass'],
      ['roles', 'pass'],
    ]);
    expect(drilled).toMatchObject({ exitCode: 0, predicate: { result: 'pass' } });
  });
});
