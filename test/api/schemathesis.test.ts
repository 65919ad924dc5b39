import { spawn } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { addressOf, apiTokens } from '../support/api-client.ts';
import { ending } from '../support/ending.ts';
import { findProgram } from '../support/find-program.ts';
import { type Fleet, type Service, startFleet } from '../support/fleet.ts';
import { canRunIn } from '../support/needs.ts';
import { plainDump } from '../support/plain-dump.ts';
import { requirement } from '../support/requirement.ts';

const program = process.env['MUSTER_TEST_SCHEMATHESIS'] ?? findProgram('schemathesis');
const canFuzz = requirement('schemathesis', program !== undefined, 'pip install schemathesis');
const CHECKS = [
  'not_a_server_error',
  'status_code_conformance',
  'content_type_conformance',
  'response_schema_conformance',
  'negative_data_rejection',
  'ignored_auth',
].join(',');

describe.runIf(canFuzz && canRunIn('docker'))(
  'the API, asked all that its document allows and does not',
  () => {
    const { tokenOf, config } = apiTokens();
    let fleet: Fleet;
    let api: Service;
    beforeAll(async () => {
      fleet = await startFleet({ config });
      await writeFile(join(fleet.dumps, 'shop.sql'), plainDump('SELECT 1;'));
      const services = ['producer', 'sink', 'worker', 'api'] as const;
      api = (await Promise.all(services.map((service) => fleet.start(service)))).at(-1) as Service;
    });
    afterAll(() => fleet?.close());

    it.each(['viewer', 'operator', 'admin'] as const)(
      'by a %s answers as its document says, and never 5xx',
      { timeout: 180_000 },
      async (role) => {
        const options = [
          '--checks',
          CHECKS,
          '--phases',
          'coverage,fuzzing',
          '--max-examples',
          '10',
          '--seed',
          '1',
        ];
        const header = ['--header', `Authorization: Bearer ${tokenOf(role)}`, '--no-color'];
        const child = spawn(program ?? '', ['run', `${addressOf(api)}/openapi.json`, ...options, ...header], {
          cwd: fleet.folder,
          stdio: ['ignore', 'pipe', 'pipe'],
        });
        const { exitCode, stdout } = await ending(child);
        expect(exitCode, stdout).toBe(0);
        expect(api.log.filter((line) => line.includes('a request failed'))).toEqual([]);
      },
    );
  },
);
