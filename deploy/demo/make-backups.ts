import { readFile } from 'node:fs/promises';
import { mongodbEngine, mongodbLiveDumper, postgresEngine, postgresLiveDumper } from '@muster/engines';
import { Decimal128, Long, MongoClient } from 'mongodb';
import { Client } from 'pg';
import { withScratch } from './filled-scratch.ts';

/** Fills a scratch server with the shop and dumps it, before and after somebody empties its payments. */
export async function makeBackups(
  to: { readonly healthy: string; readonly damaged: string },
  stateDir: string,
): Promise<void> {
  const asked = { engine: postgresEngine, dumper: postgresLiveDumper, image: 'postgres:17', major: 17 };
  await withScratch(asked, stateDir, async ({ scratch, dump }) => {
    const uri = `postgresql://postgres@/shop?host=${encodeURIComponent(scratch.socketDir)}`;
    const query = async (database: string, sql: string): Promise<void> => {
      const client = new Client({ host: scratch.socketDir, user: 'postgres', database });
      await client.connect();
      try {
        await client.query(sql);
      } finally {
        await client.end();
      }
    };
    await query('postgres', 'CREATE DATABASE shop');
    await query('shop', await readFile('deploy/demo/shop.sql', 'utf8'));
    await dump(uri, to.healthy, 'dump');
    await query('shop', 'TRUNCATE payments');
    await dump(uri, to.damaged, 'dump');
  });
}

const PRODUCTS = 120;
const ORDERS = 20_000;

/** The same shop's documents, in a MongoDB. @throws `image_unavailable`, `isolation_unavailable` where there is none. */
export async function makeDocuments(folder: string, stateDir: string): Promise<void> {
  const asked = { engine: mongodbEngine, dumper: mongodbLiveDumper, image: 'mongo:8', major: 8 };
  await withScratch(asked, stateDir, async ({ scratch, dump }) => {
    const uri = `mongodb://${encodeURIComponent(`${scratch.socketDir}/mongodb-27017.sock`)}/shop`;
    const client = await MongoClient.connect(uri);
    try {
      const shop = client.db('shop');
      await shop.collection('products').insertMany(productDocuments());
      await shop.collection('orders').insertMany(orderDocuments());
      await shop.collection('orders').createIndex({ status: 1, created_at: -1 });
    } finally {
      await client.close();
    }
    await dump(uri, folder, 'archive');
  });
}

const productDocuments = () =>
  Array.from({ length: PRODUCTS }, (_, n) => ({
    sku: `sku-${n}`,
    price: Decimal128.fromString(`${n}.99`),
    // Larger than a double can tell from its neighbours.
    barcode: Long.fromString('9007199254740993').add(n),
  }));

const orderDocuments = () =>
  Array.from({ length: ORDERS }, (_, n) => ({
    status: n % 4 === 0 ? 'open' : 'paid',
    amount: Decimal128.fromString(`${(n % 90) + 10}.25`),
    created_at: new Date(Date.now() - n * 60_000),
  }));
