import { expect, it } from 'vitest';
import { tellUnread } from './api-service.js';

it('names the metrics that cannot be read, once a minute at the most', () => {
  const lines: string[] = [];
  let at = 0;
  const tell = tellUnread({ warn: (message) => void lines.push(message) }, () => new Date(at));
  for (at of [0, 5_000, 59_999, 60_000]) tell('queues', new Error('gone'));
  tell('sources', new Error('gone'));
  const of = (what: string) => `metrics of the ${what} could not be read`;
  expect(lines).toEqual([of('queues'), of('queues'), of('sources')]);
});
