import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Document, deserialize, Long, serialize } from 'bson';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { ask } from './ask.js';
import { SOCKET } from './client.js';

const CHECK = {
  readOnly: false,
  expectation: { column: 'n', operator: '==', literal: { kind: 'number', text: '0' } },
  question: {
    summaryFind: new Map<string, unknown>([
      ['database', 'shop'],
      ['collection', 'orders'],
      ['filter', new Map()],
    ]),
  },
} as const;

let dir: string;
let server: Server | undefined;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'muster-ask-'));
});
afterEach(async () => {
  await new Promise((resolve) => server?.close(resolve));
  await rm(dir, { recursive: true, force: true });
});

const target = (major = 8) => ({ socketDir: dir, major, lost: new AbortController().signal });
const asking = (summaryFind: ReadonlyMap<string, unknown>, major?: number) =>
  ask(
    target(major),
    { ...CHECK, question: { summaryFind } },
    { timeoutMs: 5_000, backupCreatedAt: new Date(0) },
    new AbortController().signal,
  );

it('a question that goes on past its limit is killed on the server, and no other', async () => {
  const interrupted = Promise.withResolvers<void>();
  const asked: Document[] = [];
  const killed: unknown[] = [];
  let asker: unknown;
  await serve(async (command, client) => {
    if ('aggregate' in command) {
      asked.push(command);
      asker = client;
      await interrupted.promise;
      return { ok: 0, code: 11601, codeName: 'Interrupted', errmsg: 'operation was interrupted' };
    }
    if ('currentOp' in command) {
      const inprog = [{ opid: 7, appName: asker }, { opid: 8, appName: 'somebody else' }, { opid: 9 }];
      return { ok: 1, inprog };
    }
    if ('killOp' in command) {
      killed.push(command['op']);
      interrupted.resolve();
    }
    return { ok: 1 };
  });
  const answer = await ask(target(), CHECK, { timeoutMs: 100 }, new AbortController().signal);
  expect(answer).toEqual({ kind: 'timeout' });
  expect(asked).toMatchObject([{ aggregate: 'orders', maxTimeMS: 100 }]);
  expect(killed).toEqual([7]);
});

it('a list of collections has none of the server’s own', async () => {
  const firstBatch = ['orders', 'system.views', 'systematic', 'system.js', 'users'].map((name) => ({ name }));
  await serve(async () => ({
    ok: 1,
    cursor: { id: Long.ZERO, ns: 'shop.$cmd.listCollections', firstBatch },
  }));
  const find = new Map<string, unknown>([
    ['database', 'shop'],
    ['list_collections', true],
  ]);
  expect(await asking(find)).toMatchObject({ row: { columns: [{ name: 'n', value: { text: '3' } }] } });
});

it('a filter that finds nothing has the row of a count all the same', async () => {
  await serve(async () => ({ ok: 1, cursor: { id: Long.ZERO, ns: 'shop.orders', firstBatch: [] } }));
  expect(await asking(CHECK.question.summaryFind)).toMatchObject({
    row: { columns: [{ name: 'n', value: { text: '0' } }] },
  });
});

it.each([
  [4, undefined],
  [5, { backup_created_at: new Date(0) }],
])('a server of version %i is told the time of the backup where it can', async (major, told) => {
  const asked: Document[] = [];
  await serve(async (command) => {
    if ('aggregate' in command) asked.push(command);
    return { ok: 1, cursor: { id: Long.ZERO, ns: 'shop.orders', firstBatch: [] } };
  });
  await asking(CHECK.question.summaryFind, major);
  expect(asked.map((command) => command['let'])).toEqual([told]);
});

type Answering = (command: Document, client: unknown) => Promise<Document>;

const HELLO = {
  ok: 1,
  isWritablePrimary: true,
  minWireVersion: 0,
  maxWireVersion: 21,
  maxBsonObjectSize: 1 << 24,
};
/** https://www.mongodb.com/docs/manual/reference/mongodb-wire-protocol/ */
const OP_REPLY = 1;
const OP_QUERY = 2004;
const OP_MSG = 2013;

/** A server that says what it is told to; `client` is the name that a connection gave itself. */
async function serve(answer: Answering): Promise<void> {
  const started = createServer((socket) => {
    let rest = Buffer.alloc(0);
    let client: unknown;
    socket.on('data', (piece) => {
      rest = Buffer.concat([rest, piece]);
      while (rest.length >= 16 && rest.length >= rest.readInt32LE(0)) {
        const message = rest.subarray(0, rest.readInt32LE(0));
        rest = rest.subarray(message.length);
        const command = commandOf(message);
        client ??= command['client']?.application?.name;
        const isHello = 'hello' in command || 'ismaster' in command;
        const answered = isHello ? Promise.resolve(HELLO) : answer(command, client);
        void answered.then((document) => reply(socket, message, document));
      }
    });
  });
  server = started;
  await new Promise<void>((resolve) => started.listen(join(dir, SOCKET), resolve));
}

function commandOf(message: Buffer): Document {
  if (message.readInt32LE(12) === OP_MSG) return deserialize(message.subarray(21));
  // Flags, the name of a collection, and two numbers stand before it.
  return deserialize(message.subarray(message.indexOf(0, 20) + 9));
}

function reply(socket: Socket, asked: Buffer, document: Document): void {
  const query = asked.readInt32LE(12) === OP_QUERY;
  const body = Buffer.concat([Buffer.alloc(query ? 20 : 5), serialize(document)]);
  if (query) body.writeInt32LE(1, 16);
  const head = Buffer.alloc(16);
  head.writeInt32LE(head.length + body.length, 0);
  head.writeInt32LE(asked.readInt32LE(4), 8);
  head.writeInt32LE(query ? OP_REPLY : OP_MSG, 12);
  if (!socket.destroyed) socket.write(Buffer.concat([head, body]));
}
