import { MongoServerError } from 'mongodb';
import { describe, expect, it } from 'vitest';
import { DroppedOptions, refusedOption } from './dropped-options.js';

const error = (code: number, errmsg: string): MongoServerError => new MongoServerError({ code, errmsg });

describe('an option that a server refuses', () => {
  it.each([
    [115, 'Capped collections not supported yet', 'capped'],
    [115, 'Collation is currently not supported', 'collation'],
    [40415, "BSON field 'create.foo' is an unknown field.", 'foo'],
    [
      197,
      'Error in specification { "key" : { "a" : 1 }, "hidden" : true, "foo" : { "size" : 1 } }:The field \'foo\' cannot be used in an index specification.',
      'foo',
    ],
    [72, 'the size must be a number', 'size'],
    [1, 'hidden indexes are not supported yet.', 'hidden'],
    [11000, 'foo is twice', undefined],
    [115, 'Time series data collections are currently not supported', undefined],
  ])('%i %s', (code, message, option) => {
    expect(
      refusedOption(error(code, message), ['bucketSize', 'size', 'capped', 'collation', 'hidden', 'foo']),
    ).toBe(option);
  });
});

it('is counted by command and name, and named only where the name cannot be data', () => {
  const dropped = new DroppedOptions();
  dropped.note('create', 'capped');
  dropped.note('create', 'capped');
  dropped.note('createIndexes', 'a secret');
  expect(dropped.warnings()).toEqual([
    { code: 'option_dropped', statement: 'create capped', count: 2 },
    { code: 'option_dropped', statement: 'createIndexes', count: 1 },
  ]);
});
