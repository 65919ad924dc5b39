import { afterEach, expect, it } from 'vitest';
import { eventually } from '../support/eventually.ts';
import { type Fleet, startFleet } from '../support/fleet.ts';
import { describeKinds } from '../support/kinds.ts';
import { type OtlpReceiver, startOtlpReceiver } from '../support/otlp-receiver.ts';

describeKinds('spans and metrics, as they come without any other setting (%s)', (sample) => {
  let fleet: Fleet | undefined;
  let receiver: OtlpReceiver | undefined;
  afterEach(async () => {
    await fleet?.close();
    await receiver?.close();
  });

  it.each([
    ['error', { name: 'PLANTED-row' }, 'n == 1'],
    ['fail', { failsQuoting: 'PLANTED-error' }, 'n == 1'],
    ['fail', { name: 'PLANTED-row' }, 'text == "PLANTED-expect"'],
  ])('hold nothing secret of a drill that ends in %s (%j)', async (result, planted, expected) => {
    receiver = await startOtlpReceiver();
    const env: Record<string, string> = { OTEL_METRIC_EXPORT_INTERVAL: '500' };
    env['OTEL_EXPORTER_OTLP_ENDPOINT'] = receiver.url;
    env['PGPASSWORD'] = 'PLANTED-environment';
    fleet = await startFleet({
      kind: sample.kind,
      env,
      checks: {
        people: [sample.count({ text: 'PLANTED-check' }), expected],
        broken: [sample.broken('PLANTED-query'), 'n == 1'],
      },
    });
    await sample.dump(fleet.dumps, planted);
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
