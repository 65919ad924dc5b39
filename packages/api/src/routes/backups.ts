import {
  type Catalogue,
  type CatalogueEntry,
  isDrillOf,
  lastDrill,
  REASONS,
  type Source,
} from '@muster/core';
import { poolOutlook } from '@muster/queue';
import type { z } from 'zod';
import type { Api } from '../api.js';
import type { ApiPorts } from '../api-ports.js';
import { backupListQuery, backupListSchema, type backupSchema } from '../backup-schemas.js';
import { configInForce, sourceOf } from '../in-force.js';
import { looking } from '../limits.js';
import { problems } from '../schemas.js';
import { awaited, isServed, notServed, notYet } from '../worker-answers.js';

/** So many of the newest drills of a source are looked through for those of its backups. */
const DRILLS = 500;

/** The backups of a source, as a worker sees them. */
export function backupRoutes({ server, ports }: Api): void {
  server.get(
    '/api/v1/backups',
    {
      config: { role: 'viewer', rateLimit: { max: 120, timeWindow: '1 minute' } },
      // It gives workers something to do.
      exposeHeadRoute: false,
      schema: {
        summary: 'The backups of a source, newest first, and what their last drills found',
        description:
          'Only workers reach them: one of the pool of the source is asked, and what it sees counts for a minute. Where it has not answered within 8 s, backups is absent, unknown says so, and the next request may have them. Of more than 1,000 the newest are told.',
        tags: ['backups'],
        querystring: backupListQuery,
        response: { 200: backupListSchema, ...problems(400, 401, 404) },
      },
    },
    async ({ query: { source: slug, cursor, limit } }) => {
      const config = await configInForce(ports);
      const source = sourceOf(config, slug, 404);
      const known = { source: slug, type: source.backup.type };
      if (source.backup.type === 'live') return { ...known, backups: [], count: 0 };
      const wanted = { config_sha256: config.configSha256, source: slug };
      const catalogue = await catalogueOf(ports, source, wanted);
      if (typeof catalogue === 'string') return { ...known, unknown: catalogue };
      const { backups, reason, ...seen } = catalogue;
      if (reason !== undefined)
        return { ...known, at: seen.at, host: seen.host, reason, unknown: `${REASONS[reason].meaning}.` };
      const after = backups.filter((backup) => cursor === undefined || isAfter(backup, cursor));
      const page = after.slice(0, limit);
      const last = after.length > limit ? page.at(-1) : undefined;
      return {
        ...known,
        ...seen,
        backups: await withDrills(ports, slug, page),
        ...(last && { next_cursor: cursorOf(last) }),
      };
    },
  );
}

type Wanted = Parameters<ApiPorts['catalogues']['answer']>[0];

/** What a worker sees, or why nobody knows. */
async function catalogueOf(ports: ApiPorts, source: Source, wanted: Wanted): Promise<Catalogue | string> {
  const answer = () => ports.catalogues.answer(wanted);
  const seen = await answer();
  if (seen !== undefined) return seen;
  if (!isServed(await poolOutlook(ports, source)))
    return notServed(source, `muster backup list --source ${source.slug}`);
  await ports.catalogues.ask(wanted, source.pool);
  return (await awaited(answer)) ?? notYet(source);
}

async function withDrills(
  { index }: Pick<ApiPorts, 'index'>,
  source: string,
  backups: readonly CatalogueEntry[],
): Promise<z.infer<typeof backupSchema>[]> {
  const drills = backups.length === 0 ? [] : await index.list({ source, limit: DRILLS }, looking());
  return backups.map((backup) => {
    const last = drills.find(({ statement }) => isDrillOf(statement.predicate, backup));
    return { ...backup, ...(last && { last_drill: lastDrill(last.statement.predicate) }) };
  });
}

/** In the order of a listing: by time, and then by id, backwards. What comes and goes between two pages moves none. */
const cursorOf = ({ created_at, id }: Pick<CatalogueEntry, 'created_at' | 'id'>): string =>
  `${created_at} ${id}`;
const isAfter = (backup: CatalogueEntry, cursor: string): boolean => cursorOf(backup) < cursor;
