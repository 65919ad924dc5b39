import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { openPostgresIndex } from '@muster/index';
import { addressOf, apiTokens } from '../support/api-client.ts';
import { type Fleet, startFleet } from '../support/fleet.ts';
import { plainDump } from '../support/plain-dump.ts';
import { indexedReceipt, statementOf } from '../support/receipt-builder.ts';
import type { Bench } from './measured.ts';

const REQUESTS = 10_000;
const AT_ONCE = 50;
const INDEXED = 1_000;

/** Requests to the list of drills (50 of 1,000 a page) while drills run, beside the same number that look at nothing. */
export async function benchApi(): Promise<Bench> {
  const { tokenOf, config } = apiTokens();
  const fleet = await startFleet({ config });
  try {
    await writeFile(join(fleet.dumps, 'shop.sql'), plainDump('SELECT 1;'));
    const [api] = await Promise.all([
      fleet.start('api'),
      fleet.start('producer'),
      fleet.start('sink'),
      fleet.start('worker'),
    ]);
    await fillIndex(fleet);
    const headers = { authorization: `Bearer ${tokenOf('viewer')}` };
    const address = addressOf(api);
    const drilling = new AbortController();
    const drills = drillUntil(fleet, drilling.signal);
    const nothing = await timeRequests(`${address}/healthz`, headers);
    const list = await timeRequests(`${address}/api/v1/drills`, headers);
    drilling.abort();
    const drilled = await drills;
    return {
      figures: {
        'list of drills, p50, ms': list.p50,
        'list of drills, p99, ms': list.p99,
        'list of drills, requests a second': list.perSecond,
        'nothing (healthz), p50, ms': nothing.p50,
        'nothing (healthz), p99, ms': nothing.p99,
        'nothing (healthz), requests a second': nothing.perSecond,
        'drills that ended meanwhile': drilled,
      },
      ratios: { 'list p99 / nothing p99': list.p99 / nothing.p99 },
    };
  } finally {
    await fleet.close();
  }
}

async function fillIndex({ indexServer }: Fleet): Promise<void> {
  const signal = AbortSignal.timeout(120_000);
  const url = `postgresql://postgres@/postgres?host=${encodeURIComponent(indexServer.dir)}`;
  const index = await openPostgresIndex(url, signal);
  try {
    for (let number = 0; number < INDEXED; number += 1) {
      await index.put(indexedReceipt(statementOf(new Date(Date.UTC(2026, 0, 1) + number * 60_000))), signal);
    }
  } finally {
    await index.close();
  }
}

/** One drill after another. @returns how many ended. */
async function drillUntil(fleet: Fleet, signal: AbortSignal): Promise<number> {
  let ended = 0;
  for (; !signal.aborted; ended += 1) await fleet.receipt(await fleet.enqueue());
  return ended;
}

async function timeRequests(url: string, headers: Record<string, string>) {
  const times: number[] = [];
  const begin = performance.now();
  let left = REQUESTS;
  const client = async (): Promise<void> => {
    while (left > 0) {
      left -= 1;
      const from = performance.now();
      const answer = await fetch(url, { headers });
      await answer.arrayBuffer();
      if (answer.status !== 200) throw new Error(`${url} answered ${answer.status}`);
      times.push(performance.now() - from);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, client));
  const seconds = (performance.now() - begin) / 1_000;
  times.sort((a, b) => a - b);
  const at = (part: number): number => times[Math.floor(times.length * part)] ?? Number.NaN;
  return { p50: at(0.5), p99: at(0.99), perSecond: REQUESTS / seconds };
}
