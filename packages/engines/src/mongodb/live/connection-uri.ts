import { dirname } from 'node:path';
import { MusterError } from '@muster/core';
import type { MongoClient } from 'mongodb';
import { driver } from '../server/driver.js';

/** The parts of a connection string that are not the driver's own affair. */
const SHAPE =
  /^mongodb(?:\+srv)?:\/\/(?:[^/?#]*@)?(?<hosts>[^/?#]*)(?:\/(?<database>[^?#]*))?(?:\?(?<query>.*))?$/s;
/** Options that name files of this machine. */
const FILES = new Set(['tlscafile', 'tlscertificatekeyfile', 'tlscrlfile']);

/**
 * A client of a live source. The URI says everything, TLS, read preference and time limits too; the driver's own limit for
 * being let in is 30 s.
 * https://www.mongodb.com/docs/manual/reference/connection-string/
 * @throws `secret_unavailable` for what is no such URI; nothing of it is in the message.
 */
export function liveClient(uri: string): MongoClient {
  try {
    return new (driver().MongoClient)(uri, { appName: 'muster' });
  } catch {
    // The driver's own words may quote the URI.
    throw malformed();
  }
}

/** The database that a URI names; absent = all that can be read. @throws `secret_unavailable` */
export function databaseOf(uri: string): string | undefined {
  const name = decode(partsOf(uri)['database'] ?? '');
  return name === '' ? undefined : name;
}

/** What a tool in a cage must see of this machine: sockets of the source, certificates. @throws `secret_unavailable` */
export function directoriesOf(uri: string): readonly string[] {
  const { hosts = '', query = '' } = partsOf(uri);
  const sockets = hosts.split(',').map(decode);
  const files = query
    .split(/[&;]/)
    .map((pair) => pair.split(/=(.*)/s))
    .filter(([name = '']) => FILES.has(name.toLowerCase()))
    .map(([, value = '']) => decode(value));
  return [...new Set([...sockets, ...files].filter((path) => path.startsWith('/')).map(dirname))];
}

function partsOf(uri: string): Readonly<Record<string, string | undefined>> {
  const parts = SHAPE.exec(uri)?.groups;
  if (parts === undefined) throw malformed();
  return parts;
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw malformed();
  }
}

const malformed = () =>
  new MusterError(
    'secret_unavailable',
    'The connection URI cannot be used: it does not have the form mongodb://user:password@host:port/database?options, or has an option that is none. Look at the secret that `connection.uri` refers to.',
  );
