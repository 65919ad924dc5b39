import { Decimal128, Int32, serialize } from 'bson';
import { describe, expect, it } from 'vitest';
import type { ArchivePrelude } from '../format/archive-prelude.js';
import { ArchiveReader } from '../format/archive-reader.js';
import { type LiveCollection, writeArchive } from './write-archive.js';

const collection = (over: Partial<LiveCollection>): LiveCollection => ({
  database: 'shop',
  name: 'orders',
  type: 'collection',
  described: serialize({ name: 'orders', type: 'collection', options: {} }),
  indexes: [],
  dataName: 'orders',
  ...over,
});

async function archived(collections: readonly LiveCollection[], documents: readonly Uint8Array[]) {
  const found: { prelude?: ArchivePrelude; documents: string[] } = { documents: [] };
  const reader = new ArchiveReader(
    {
      prelude: (prelude) => {
        found.prelude = prelude;
      },
      document: ({ name }, bytes) => found.documents.push(`${name} ${bytes.toString('hex')}`),
      blockEnd: () => undefined,
    },
    { checksums: true, metadata: 'all' },
  );
  async function* all() {
    yield* documents;
  }
  for await (const piece of writeArchive('8.0.4', collections, all)) reader.write(Buffer.from(piece));
  reader.end();
  return found;
}

describe('an archive that is written', () => {
  it('is read as one of mongodump, its checksums too', async () => {
    const documents = Array.from({ length: 3000 }, (_, n) => serialize({ n, text: 'x'.repeat(1000) }));
    const { prelude, documents: read } = await archived([collection({})], documents);
    expect(prelude).toMatchObject({ serverVersion: '8.0.4', toolVersion: 'muster' });
    expect(read).toEqual(documents.map((bytes) => `orders ${Buffer.from(bytes).toString('hex')}`));
  });

  it('keeps options and the order of an index’s keys', async () => {
    const options = { capped: true, size: Decimal128.fromString('4096') };
    const key = new Map([
      ['b', 1],
      ['10', -1],
      ['9', 1],
    ]);
    const { prelude } = await archived(
      [
        collection({
          described: serialize({ name: 'orders', type: 'collection', options }),
          indexes: [
            serialize(
              new Map<string, unknown>([
                ['v', 2],
                ['key', key],
                ['name', 'odd'],
              ]),
            ),
          ],
        }),
      ],
      [],
    );
    const [only] = prelude?.collections ?? [];
    expect(String(only?.options.get('size'))).toBe('4096');
    expect(only?.indexes[0]?.get('key')).toEqual(new Map([...key].map(([name, n]) => [name, new Int32(n)])));
    expect(
      JSON.stringify([...(only?.indexes ?? [])].map((index) => [...Object(index.get('key')).keys()])),
    ).toBe('[["b","10","9"]]');
  });

  it('has no documents of a view, and those of a time series under their own name', async () => {
    const described = (type: string, options: object) => serialize({ name: 'x', type, options });
    const { prelude, documents } = await archived(
      [
        collection({
          name: 'open',
          type: 'view',
          described: described('view', { viewOn: 'orders', pipeline: [] }),
          dataName: 'open',
        }),
        collection({
          name: 'weather',
          type: 'timeseries',
          described: described('timeseries', { timeseries: { timeField: 't' } }),
          dataName: 'system.buckets.weather',
        }),
      ],
      [serialize({ _id: 1 })],
    );
    expect(prelude?.collections.map(({ name, kind }) => [name, kind])).toEqual([
      ['open', 'view'],
      ['weather', 'timeseries'],
    ]);
    expect(documents).toHaveLength(1);
    expect(documents[0]).toMatch(/^weather /);
  });
});
