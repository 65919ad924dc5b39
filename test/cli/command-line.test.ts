import { afterEach, expect, it } from 'vitest';
import { type MusterFolder, musterFolder } from '../support/muster.ts';

const CONFIG = `sources:
  - slug: shop
    kind: postgres
    backup: { type: dump, location: dumps }
    checks: [orders]
checks:
  - id: orders
    summary_sql: SELECT COUNT(*) AS n FROM currencies
    expect: "n > 100"
`;

let here: MusterFolder;
const given = async (
  files: Readonly<Record<string, string>> = { 'muster.yaml': CONFIG },
): Promise<MusterFolder> => {
  here = await musterFolder(files);
  return here;
};
afterEach(() => here.remove());

it('a configuration in order is told so, and shown in force', async () => {
  const { run, folder } = await given();
  expect(await run(['config', 'check'])).toMatchObject({
    exitCode: 0,
    stdout: '✔ muster.yaml is in order: 1 source, 1 check\n',
  });
  expect(JSON.parse((await run(['config', 'check', '--json'])).stdout)).toMatchObject({
    file: `${folder}/muster.yaml`,
    sources: ['shop'],
    checks: ['orders'],
  });
  const shown = await run(['config', 'show']);
  expect(shown).toMatchObject({ exitCode: 0 });
  expect(shown.stdout).toContain('slug: shop');
  expect(JSON.parse((await run(['config', 'show', '--json'])).stdout).sources[0].slug).toBe('shop');
});

it('drills of a source that nobody knows are not listed as none', async () => {
  const { run } = await given();
  expect(await run(['drill', 'list', '--source', 'shpo'])).toMatchObject({ exitCode: 64 });
  const none = await run(['drill', 'list', '--source', 'shop']);
  expect(none).toMatchObject({
    exitCode: 0,
    stdout: expect.stringMatching(/^There are no receipts of shop in /),
  });
});

it('the schema of a configuration is JSON Schema', async () => {
  const { run } = await given({});
  expect(JSON.parse((await run(['config', 'schema'])).stdout)).toMatchObject({
    $schema: 'https://json-schema.org/draft/2020-12/schema',
  });
});

it('the configuration is found by option, variable, and name, in this order', async () => {
  const other = CONFIG.replaceAll('shop', 'other');
  const { run } = await given({
    'config.yaml': CONFIG,
    'a.yaml': other,
    'b.yaml': other.replaceAll('other', 'third'),
  });
  const sources = async (...run: Parameters<MusterFolder['run']>) =>
    JSON.parse((await here.run(...run)).stdout).sources;
  expect(await sources(['config', 'check', '--json'])).toEqual(['shop']);
  expect(await sources(['config', 'check', '--json'], { MUSTER_CONFIG: 'a.yaml' })).toEqual(['other']);
  expect(
    await sources(['config', 'check', '--json', '--config', 'b.yaml'], { MUSTER_CONFIG: 'a.yaml' }),
  ).toEqual(['third']);
  expect(await run(['config', 'check', '--config', 'none.yaml'])).toMatchObject({ exitCode: 64 });
});

it('all faults of a configuration are told together, each where it stands', async () => {
  const faulty = CONFIG.replace('kind: postgres', 'kind: postgress').replace(
    'n > 100',
    'n > 100 and n < 200',
  );
  const { run } = await given({ 'muster.yaml': faulty.replace('[orders]', '[ordres]') });
  const ran = await run(['drill', 'run']);
  expect(ran).toMatchObject({ exitCode: 64, stdout: '' });
  expect(ran.stderr).toMatch(/^muster\.yaml:3:11 {2,}\S/m);
  expect(ran.stderr).toMatch(/^muster\.yaml:5:14 {2,}.*orders/m);
  expect(ran.stderr).toMatch(/^muster\.yaml:9:\d+ {2,}.*::int AS ok/m);
  expect(ran.stderr).not.toMatch(/\n\s+at /);
  const { faults } = JSON.parse((await run(['drill', 'run', '--json'])).stdout);
  expect(faults.map((fault: { line: number }) => fault.line)).toEqual([3, 5, 9]);
});

it('hashes of a check are those of the specification', async () => {
  const { run } = await given();
  expect(JSON.parse((await run(['check', 'hash', 'orders', '--json'])).stdout)).toEqual({
    id: 'orders',
    check_sha256: 'sha256:30dae7495643b9548665066c7cc846875f9cf677104325a5fdf76cfd641bf543',
    expect_sha256: 'sha256:c4b95963c5f02c275e72e4bc1a905ef4e7dbb9bef076e8100cb6caa1f280a409',
  });
  expect(await run(['check', 'hash', 'ordres'])).toMatchObject({
    exitCode: 64,
    stderr: expect.stringContaining('orders'),
  });
});

it('a check is tested only where a scratch is kept, and the way to one is told', async () => {
  const { run } = await given();
  expect(await run(['check', 'test', 'orders'])).toMatchObject({
    exitCode: 64,
    stderr: expect.stringContaining('`muster drill run --source shop --keep 1h`'),
  });
});

it('what is not on a terminal has no colour, whatever the terminal says', async () => {
  const { run } = await given({ 'muster.yaml': CONFIG.replace('postgres', 'postgress') });
  const ran = await run(['config', 'check'], { TERM: 'xterm-256color', COLORTERM: 'truecolor' });
  expect(ran.stderr).not.toContain('\u001b');
});

it('a fault nobody foresaw is one line, and its stack only for who asks', async () => {
  const { run } = await given();
  // A file where a directory must be.
  await here.write('state', '');
  const quiet = await run(['check', 'test', 'orders']);
  expect(quiet).toMatchObject({ exitCode: 2, stdout: '' });
  expect(quiet.stderr.trim().split('\n')).toHaveLength(1);
  expect((await run(['check', 'test', 'orders'], { MUSTER_DEBUG: '1' })).stderr).toMatch(/\n\s+at /);
});
