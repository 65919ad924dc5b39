import { expect, it } from 'vitest';
import { knowsRestrict } from './restrict.js';

it.each(['13.22', '15.14', '17.6', '17.11', '18', '18.1'])('psql %s can be restricted', (version) => {
  expect(knowsRestrict(version)).toBe(true);
});

it.each(['12.22', '15.13', '16.9', '17.5'])('psql %s cannot', (version) => {
  expect(knowsRestrict(version)).toBe(false);
});
