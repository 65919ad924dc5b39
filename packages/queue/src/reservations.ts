import type { Redis } from 'ioredis';
import { z } from 'zod';
import { orUnavailable } from './connection.js';
import { LEASE_MS, renewed } from './leases.js';
import { PREFIX } from './names.js';

/** What a scratch may take of a host at the most. Bytes. */
export interface Needs {
  readonly memoryBytes: number;
  readonly diskBytes: number;
  readonly pids: number;
}

/** What a host has. Absent = not known, and no bound. Bytes. */
export interface HostCapacity {
  /** Names what is shared: workers of one Docker daemon or kernel have the same. */
  readonly hostId: string;
  /** For people. */
  readonly hostName: string;
  /** What all scratches together may be promised. */
  readonly memoryBytes: number;
  /** Free at this moment. */
  readonly memoryFreeBytes?: number;
  readonly diskFreeBytes?: number;
  readonly pids?: number;
}

/**
 * What the drills that run on a host were promised, by all workers of that host: `muster:room:<hostId>`. What a dead
 * worker was promised is free again within 30 s. @throws `redis_unavailable`.
 */
export interface Reservations {
  reserve(
    drillId: string,
    holder: string,
    needs: Needs,
    capacity: HostCapacity,
  ): Promise<Reservation | { readonly short: Shortage }>;

  /** What would be short for one drill more, and nothing is promised. Undefined where there is room. */
  shortage(needs: Needs, capacity: Omit<HostCapacity, 'hostName'>): Promise<Shortage | undefined>;
}

type Shortage = 'memory' | 'disk' | 'pids';

export interface Reservation {
  readonly short?: undefined;
  /** Renewed by itself until then. Idempotent, never throws. */
  release(): Promise<void>;
}

/**
 * Fields are holders, values `memory pids expires`. Promised memory and pids add up; of the disk just what is free at
 * this moment counts, since scratches have written part of theirs already. Returns what is short, or an empty string. With no
 * time to expire after, nothing is promised.
 */
const RESERVE = `
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local memory, pids = 0, 0
for _, field in ipairs(redis.call('HKEYS', KEYS[1])) do
  local m, p, expires = string.match(redis.call('HGET', KEYS[1], field), '(%d+) (%d+) (%d+)')
  if not expires or tonumber(expires) < now then
    redis.call('HDEL', KEYS[1], field)
  elseif field ~= ARGV[1] then
    memory, pids = memory + m, pids + p
  end
end
local function short(promised, need, bound) return bound ~= '' and promised + tonumber(need) > tonumber(bound) end
if short(memory, ARGV[2], ARGV[6]) or short(0, ARGV[2], ARGV[7]) then return 'memory' end
if short(0, ARGV[3], ARGV[8]) then return 'disk' end
if short(pids, ARGV[4], ARGV[9]) then return 'pids' end
if ARGV[5] == '' then return '' end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[2] .. ' ' .. ARGV[4] .. ' ' .. string.format('%.0f', now + ARGV[5]))
redis.call('PEXPIRE', KEYS[1], 2 * ARGV[5])
return ''`;

const shortSchema = z.enum(['', 'memory', 'disk', 'pids']);

/** Over a connection for commands. */
export function createReservations(redis: Redis): Reservations {
  return {
    reserve: (drillId, holder, needs, capacity) =>
      orUnavailable(reserve(redis, `${drillId} ${holder}`, needs, capacity), 'reserving room'),
    shortage: (needs, capacity) => orUnavailable(shortage(redis, needs, capacity), 'looking for room'),
  };
}

async function reserve(
  redis: Redis,
  field: string,
  needs: Needs,
  capacity: HostCapacity,
): Promise<Reservation | { readonly short: Shortage }> {
  const { key, wanted, bounds } = inNumbers(needs, capacity);
  const short = shortSchema.parse(await redis.eval(RESERVE, 1, key, field, ...wanted, LEASE_MS, ...bounds));
  if (short !== '') return { short };
  return renewed(
    // It was given, and stays so whatever others were given since.
    () => redis.eval(RESERVE, 1, key, field, ...wanted, LEASE_MS, '', '', '', ''),
    () => redis.hdel(key, field),
  );
}

async function shortage(
  redis: Redis,
  needs: Needs,
  capacity: Omit<HostCapacity, 'hostName'>,
): Promise<Shortage | undefined> {
  const { key, wanted, bounds } = inNumbers(needs, capacity);
  const short = shortSchema.parse(await redis.eval(RESERVE, 1, key, '', ...wanted, '', ...bounds));
  return short === '' ? undefined : short;
}

/** As the script takes them; an empty bound is none. */
function inNumbers(needs: Needs, capacity: Omit<HostCapacity, 'hostName'>) {
  const bounds = [capacity.memoryBytes, capacity.memoryFreeBytes, capacity.diskFreeBytes, capacity.pids];
  return {
    key: `${PREFIX}:room:${capacity.hostId}`,
    wanted: [needs.memoryBytes, needs.diskBytes, needs.pids].map(Math.ceil),
    bounds: bounds.map((bound) => (bound === undefined ? '' : Math.floor(bound))),
  };
}
