import type { Db, Document } from 'mongodb';
import { expect, it } from 'vitest';
import { withoutMetadata } from '../format/collection.js';
import { createCollection } from './create-collection.js';
import { DroppedOptions } from './dropped-options.js';

it('no option of a dump is a field that every command has', async () => {
  const said: Document[] = [];
  const db = { command: async (command: Document) => void said.push(command) } as unknown as Db;
  const dropped = new DroppedOptions();
  const options = new Map<string, unknown>([
    ['create', 'other'],
    ['$db', 'other'],
    ['writeConcern', { w: 9 }],
    ['lsid', 1],
    ['validator', new Map()],
  ]);
  await createCollection(db, { ...withoutMetadata('shop', 'orders'), options }, dropped);
  expect(said).toEqual([{ create: 'orders', validator: new Map() }]);
  expect(dropped.warnings()).toEqual([{ code: 'option_dropped', statement: 'create', count: 4 }]);
});
