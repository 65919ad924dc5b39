import { describe, expect, it } from 'vitest';
import { redact } from './redact.js';

describe('the password of a URI', () => {
  it.each([
    ['postgres://app:hunter2@db/shop', 'postgres://app:***@db/shop'],
    ['at redis://:hunter2@127.0.0.1:6379, again', 'at redis://:***@127.0.0.1:6379, again'],
    ['mongodb+srv://app:hunt@er2@db/?tls=true', 'mongodb+srv://app:***@db/?tls=true'],
    ['postgres://app:hun/ter2"@db', 'postgres://app:***@db'],
    ['postgres://app@corp:hunter2@db', 'postgres://app@corp:***@db'],
    ['a://u:hunter2@h and b://v:hunter2@h', 'a://u:***@h and b://v:***@h'],
  ])('is taken out of %j', (text, redacted) => {
    expect(redact(text)).toBe(redacted);
  });

  it.each(['s3://backups/prod', 'http://127.0.0.1:7655/api', 'ops@example.org', 'postgres://app@db'])(
    'is not found in %j',
    (text) => {
      expect(redact(text)).toBe(text);
    },
  );
});
