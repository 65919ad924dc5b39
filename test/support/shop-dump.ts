import { chmod } from 'node:fs/promises';
import { dumpServer } from './dumps.ts';

/** A dump of a database with the 1,000 rows of `orders`, for everybody to read. */
export async function dumpShop(path: string): Promise<void> {
  const server = await dumpServer(15);
  try {
    await server.sql('postgres', 'CREATE DATABASE shop');
    await server.sql('shop', 'CREATE TABLE orders AS SELECT generate_series(1, 1000) AS id');
    await server.dump('shop', 'custom', path);
    await chmod(path, 0o644);
  } finally {
    await server.close();
  }
}
