import { describe, expect, it } from 'vitest';
import { createTroubleTeller } from './redis-trouble.js';

const reply = (message: string): Error => Object.assign(new Error(message), { name: 'ReplyError' });

describe('trouble with Redis', () => {
  it('is told once in 30 s for each kind, with what to do', () => {
    let now = 0;
    const told: string[] = [];
    const tell = createTroubleTeller(
      'redis://:secret@redis.example',
      (error) => told.push(error.message),
      () => now,
    );
    for (; now < 31_000; now += 100) tell(reply('READONLY You cannot write against a read only replica.'));
    tell(reply("OOM command not allowed when used memory > 'maxmemory'."));
    tell(Object.assign(new Error('connect ENOENT /secret'), { code: 'ENOENT' }));
    expect(told).toEqual([
      'Redis at redis.example:6379 refuses commands (READONLY): it is a replica, name its primary in redis.url.',
      'Redis at redis.example:6379 refuses commands (READONLY): it is a replica, name its primary in redis.url.',
      'Redis at redis.example:6379 refuses commands (OOM): its memory is full, raise its maxmemory.',
      'Redis at redis.example:6379 is not reached (ENOENT): there is no such socket: start it, or correct redis.url or MUSTER_REDIS_URL.',
    ]);
  });

  it('of another kind is told as it is', () => {
    const other = new Error('something else');
    const told: Error[] = [];
    createTroubleTeller('unix:/run/redis.sock', (error) => told.push(error))(other);
    expect(told).toEqual([other]);
  });
});
