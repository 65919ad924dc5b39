import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { eventually } from '../support/eventually.ts';
import { type Fleet, startFleet } from '../support/fleet.ts';
import { canRunIn } from '../support/needs.ts';
import { type OtlpReceiver, startOtlpReceiver } from '../support/otlp-receiver.ts';
import { plainDump } from '../support/plain-dump.ts';

const CHECK = "SELECT count(*) AS n, 'PLANTED-check' AS text, max(name) AS row FROM people";

describe.runIf(canRunIn('bubblewrap'))('spans and metrics, as they come without any other setting', () => {
  let fleet: Fleet | undefined;
  let receiver: OtlpReceiver | undefined;
  afterEach(async () => {
    await fleet?.close();
    await receiver?.close();
  });

  it.each([
    ['error', "INSERT INTO people VALUES ('PLANTED-row')", 'n == 1'],
    ['fail', "SELECT 'PLANTED-error'::integer", 'n == 1'],
    ['fail', "INSERT INTO people VALUES ('PLANTED-row')", 'text == "PLANTED-expect"'],
  ])('hold nothing secret of a drill that ends in %s (%s)', async (result, statement, expected) => {
    receiver = await startOtlpReceiver();
    const env: Record<string, string> = { OTEL_METRIC_EXPORT_INTERVAL: '500' };
    env['OTEL_EXPORTER_OTLP_ENDPOINT'] = receiver.url;
    env['PGPASSWORD'] = 'PLANTED-environment';
    fleet = await startFleet({
      isolation: 'bubblewrap',
      env,
      checks: { people: [CHECK, expected], broken: ["SELECT 'PLANTED-query'::integer AS n", 'n == 1'] },
    });
    await writeFile(
      join(fleet.dumps, 'shop.sql'),
      plainDump(`CREATE TABLE people (name text); ${statement};`),
    );
    const services = await Promise.all([
      fleet.start('producer'),
      fleet.start('sink'),
      fleet.start('worker', '--grace', '1s'),
    ]);
    const receipt = await fleet.receipt(await fleet.enqueue());
    expect(receipt.result).toBe(result);
    // What is left is exported at their end.
    await Promise.all(services.map((service) => service.signal('SIGTERM')));
    const received = receiver;
    await eventually('all of it came', () =>
      [
        'drill request',
        'drill attempt',
        'restore',
        'publish',
        'index',
        'muster.drills',
        'muster.phase.duration',
      ].every((name) => received.text().includes(name)),
    );
    expect([...received.received].toSorted()).toEqual([
      '/v1/metrics application/x-protobuf',
      '/v1/traces application/x-protobuf',
    ]);
    expect(received.text()).not.toContain('PLANTED');
  });
});
