import { duesBetween, plannedObjectives, type Source } from '@muster/core';
import type { Api } from '../api.js';
import { endedDrill, openDrills } from '../drill-views.js';
import { configInForce, sourceOf } from '../in-force.js';
import { looking } from '../limits.js';
import { problems, sourceListQuery, sourceListSchema, sourceParams, sourceSchema } from '../schemas.js';
import { sourceTakesSchema } from '../take-schemas.js';
import { sourceTakes } from './takes.js';

const TREND = 20;
const YEAR_MS = 366 * 24 * 60 * 60_000;

export function sourceRoutes({ server, ports }: Api): void {
  server.get(
    '/api/v1/sources',
    {
      config: { role: 'viewer' },
      schema: {
        summary: 'The sources of the configuration in force, by slug',
        tags: ['sources'],
        querystring: sourceListQuery,
        response: { 200: sourceListSchema, ...problems(400, 401) },
      },
    },
    async ({ query: { cursor, limit } }) => {
      const { sources } = await configInForce(ports);
      const after = sources
        .filter(({ slug }) => cursor === undefined || slug > cursor)
        .toSorted((a, b) => (a.slug < b.slug ? -1 : 1));
      const page = after.slice(0, limit);
      const last = after.length > limit ? page.at(-1) : undefined;
      const now = ports.now();
      return {
        sources: page.map((source) => describe(source, now)),
        ...(last && { next_cursor: last.slug }),
      };
    },
  );

  server.get(
    '/api/v1/sources/:slug',
    {
      config: { role: 'viewer' },
      schema: {
        summary: 'One source: its last drills, the next, and why those under way wait',
        tags: ['sources'],
        params: sourceParams,
        response: {
          200: sourceSchema.extend({ takes: sourceTakesSchema.optional() }),
          ...problems(400, 401, 404),
        },
      },
    },
    async ({ params: { slug } }) => {
      const source = sourceOf(await configInForce(ports), slug, 404);
      const [drills, [passed], open, takes] = await Promise.all([
        ports.index.list({ source: slug, limit: TREND }, looking()),
        ports.index.lastPasses({ source: slug }, looking()),
        openDrills(ports, slug),
        sourceTakes(ports, source),
      ]);
      const ended = drills.map(endedDrill);
      return {
        ...describe(source, ports.now()),
        ...(ended[0] && { last: ended[0] }),
        ...(passed && { last_pass: passed.at.toISOString() }),
        trend: ended.map(({ result }) => result),
        open: [...open],
        ...(takes && { takes }),
      };
    },
  );
}

function describe({ slug, kind, pool, checks, schedules, objectives }: Source, now: Date) {
  return {
    slug,
    kind,
    pool,
    checks: checks.map(({ id }) => id),
    ...(objectives && { objectives: plannedObjectives(objectives) }),
    schedules: schedules.map((schedule) => {
      const [next] = duesBetween(schedule, now, new Date(now.getTime() + YEAR_MS));
      const { name, cron, tz, overrun } = schedule;
      return { name, cron, tz, overrun, ...(next && { next: next.toISOString() }) };
    }),
  };
}
