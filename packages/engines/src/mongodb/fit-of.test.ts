import { expect, it } from 'vitest';
import { fitOf } from './fit-of.js';

const base = (...facts: readonly string[]) => ({
  isolation: 'docker' as const,
  image: 'mongo:8',
  facts: [...facts, 'end\t\t\t', ''].join('\n'),
});
const facts = { format: 'archive', major: 8, serverVersion: '8.0.1', databases: [] };

it('a dump of MongoDB is held against the server, and what restores it', () => {
  expect(
    fitOf(facts, base('server\t/a/mongod\t8.0.4\t', 'mongorestore\t/a/mongorestore\t100.9.4\t')),
  ).toEqual({
    version: '8.0.4',
    tool: 'mongorestore 100.9.4',
  });
  expect(fitOf(facts, base('server\t/a/mongod\t7.0.77\tFerretDB 2.7.0'))).toEqual({
    version: '7.0.77',
    substitute: 'FerretDB 2.7.0',
    tool: 'Muster’s own reader',
  });
});

it('of what is not there nothing is said', () => {
  expect(fitOf(facts, undefined)).toEqual({});
  expect(fitOf(facts, base('server\t/a/mongod\t7.0.4\t'))).toEqual({});
});
