import { describe, expect, it } from 'vitest';
import { databaseOf, directoriesOf, liveClient } from './connection-uri.js';

describe('a connection URI of MongoDB', () => {
  it.each([
    ['mongodb://h/shop', 'shop'],
    ['mongodb://u:p%2Fw@a:1,b:2/shop?authSource=admin', 'shop'],
    ['mongodb+srv://u:p@cluster.example/my%20shop?w=1', 'my shop'],
    ['mongodb://h', undefined],
    ['mongodb://h/', undefined],
    ['mongodb://u:p@h/?authSource=admin', undefined],
    ['mongodb://%2Frun%2Fmongodb-27017.sock/shop', 'shop'],
  ])('%s names the database %s', (uri, database) => {
    expect(databaseOf(uri)).toBe(database);
  });

  it('tells which directories a tool must see', () => {
    expect(
      directoriesOf(
        'mongodb://u:p@%2Frun%2Fm%2Fmongodb-27017.sock,b:2/shop?tls=true&tlsCAFile=/etc/ca/ca.pem&tlscertificatekeyfile=%2Fetc%2Fme%2Fkey.pem&appName=/x/y',
      ),
    ).toEqual(['/run/m', '/etc/ca', '/etc/me']);
  });

  it.each([
    'postgres://u:hunter2@h/d',
    'hunter2',
    'mongodb://',
    'mongodb://u:hunter2@h:99999/d',
    'mongodb://u:hunter2@h/d?nope=1',
    'mongodb://u:hunter2%zz@h/d',
    'mongodb://u:hunter2@h/%zz',
  ])('that cannot be used is refused without a word of it', (uri) => {
    const use = () => {
      databaseOf(uri);
      directoriesOf(uri);
      return liveClient(uri);
    };
    expect(use).toThrow(expect.objectContaining({ code: 'secret_unavailable' }));
    expect(use).toThrow(expect.objectContaining({ message: expect.not.stringContaining('hunter2') }));
  });
});
