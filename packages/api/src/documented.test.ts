import { readFile } from 'node:fs/promises';
import { fleetEventSchema } from '@muster/queue';
import { beforeAll, describe, expect, it } from 'vitest';
import { boardWorld } from './board/board-world.fixture.js';
import { PROBLEM_CODES } from './problem.js';
import { askSchema } from './schemas.js';

describe('docs/api.md', () => {
  let docs: string;
  beforeAll(async () => {
    docs = await readFile(new URL('../../../docs/api.md', import.meta.url), 'utf8');
  });

  it('lists every route', async () => {
    const server = await boardWorld().serve();
    const { paths } = (await server.inject('/openapi.json')).json<{ paths: Record<string, object> }>();
    await server.close();
    const routes = Object.entries(paths).flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
    );
    expect(routes.length).toBeGreaterThan(10);
    expect(routes.filter((route) => !docs.includes(`\`${route}\``))).toEqual([]);
  });

  it('lists every code of a problem', () => {
    expect([...PROBLEM_CODES].filter((code) => !docs.includes(`\`${code}\``))).toEqual([]);
  });

  it('lists every event of a drill, and what it holds', () => {
    const rows = docs.split('\n');
    const untold = fleetEventSchema.options.filter(({ shape: { type, ...held } }) => {
      const row = rows.find((line) => line.startsWith(`| \`${type.value}\` `));
      return row === undefined || Object.keys(held).some((name) => !row.includes(`\`${name}\``));
    });
    expect(untold.map(({ shape }) => shape.type.value)).toEqual([]);
  });

  it('tells the restore points that may be asked for', () => {
    const forms = [...docs.matchAll(/`"restore_point": (.+?)`/g)].map(([, json]) => JSON.parse(json ?? ''));
    expect(forms).toHaveLength(6);
    for (const restore_point of forms) {
      expect(askSchema.parse({ source: 'shop', restore_point })).toMatchObject({ restore_point });
    }
  });
});
