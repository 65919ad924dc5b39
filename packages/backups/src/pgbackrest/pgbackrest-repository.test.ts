import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { encrypted, writeInfo } from './info-file.fixture.js';
import { createPgbackrestRepository } from './pgbackrest-repository.js';

const FULL = '20261121-131855F';
const INCR = `${FULL}_20261121-131901I`;

const set = (over: Record<string, unknown> = {}) => ({
  'backrest-format': 5,
  'backrest-version': '2.55.1',
  'backup-archive-start': '000000010000000000000002',
  'backup-archive-stop': '000000010000000000000003',
  'backup-error': false,
  'backup-info-repo-size': 3_991_371,
  'backup-info-size': 30_778_957,
  'backup-timestamp-start': 1_795_267_135,
  'backup-timestamp-stop': 1_795_267_139,
  'backup-type': 'full',
  'db-id': 1,
  ...over,
});

const SETS = {
  [FULL]: set(),
  [INCR]: set({ 'backup-type': 'incr', 'backup-prior': FULL, 'backup-timestamp-stop': 1_795_267_142 }),
};

const infoText = (sets: Record<string, unknown>, format = 5): string =>
  writeInfo({
    backrest: { 'backrest-format': format, 'backrest-version': '2.55.1' },
    'backup:current': sets,
    db: { 'db-id': 1, 'db-version': '17' },
    'db:history': { 1: { 'db-system-id': 7, 'db-version': '17' } },
  });

describe('a pgBackRest repository', () => {
  let path: string;
  beforeEach(async () => {
    path = await mkdtemp(join(tmpdir(), 'muster-pgbackrest-'));
    await mkdir(join(path, 'backup', 'main'), { recursive: true });
  });
  afterEach(() => rm(path, { recursive: true, force: true }));

  const write = (text: string | Buffer, name = 'backup.info') =>
    writeFile(join(path, 'backup', 'main', name), text);
  const list = (over: { passphrase?: string; stanza?: string; path?: string } = {}) => {
    const { stanza = 'main', ...place } = over;
    const repository = createPgbackrestRepository({
      stanza,
      location: 'file:///repo',
      place: async () => ({ type: 'directory', path, ...place }),
    });
    return repository.list(AbortSignal.timeout(5_000));
  };

  it('lists its sets, the newest first, as its backup.info tells them', async () => {
    await write(infoText(SETS));
    expect(await list()).toMatchObject([
      { id: INCR, createdAt: new Date('2026-11-21T13:19:02Z'), facts: { format: 'pgbackrest-incr' } },
      {
        id: FULL,
        createdAtFrom: 'header',
        artefact: { form: 'repository', path, stanza: 'main', sizeBytes: 3_991_371 },
        facts: {
          format: 'pgbackrest-full',
          major: 17,
          toolVersion: '2.55.1',
          pgbackrest: {
            archiveId: '17-1',
            wal: { start: '000000010000000000000002', stop: '000000010000000000000003' },
            hasPageErrors: false,
          },
        },
      },
    ]);
  });

  it('tells that pages were damaged when a set was made', async () => {
    await write(infoText({ [FULL]: set({ 'backup-error': true }) }));
    expect(await list()).toMatchObject([{ facts: { pgbackrest: { hasPageErrors: true } } }]);
  });

  it('has the size of the cluster where that of the set is not known', async () => {
    await write(infoText({ [FULL]: set({ 'backup-info-repo-size': null }) }));
    expect(await list()).toMatchObject([{ artefact: { sizeBytes: 30_778_957 } }]);
  });

  it('is opened with its passphrase, which no record shows', async () => {
    await write(encrypted(infoText(SETS), 'a pass'));
    const [newest] = await list({ passphrase: 'a pass' });
    expect(newest?.id).toBe(INCR);
    expect(JSON.stringify(newest)).not.toContain('a pass');
  });

  it.each([undefined, 'another'])('is not opened with the passphrase %s', async (passphrase) => {
    await write(encrypted(infoText(SETS), 'a pass'));
    await expect(list(passphrase === undefined ? {} : { passphrase })).rejects.toMatchObject({
      code: 'decrypt_failed',
    });
  });

  it('is not opened with a passphrase where nothing is encrypted', async () => {
    await write(infoText(SETS));
    await expect(list({ passphrase: 'a pass' })).rejects.toMatchObject({ code: 'decrypt_failed' });
  });

  it('is read from the copy where the first is gone or damaged', async () => {
    await write(infoText(SETS), 'backup.info.copy');
    expect(await list()).toHaveLength(2);
    await write(infoText(SETS).replace('2.55.1', '2.55.9'));
    expect(await list()).toHaveLength(2);
  });

  it.each([
    ['a changed byte', infoText(SETS).replace('30778957', '30778958')],
    ['no JSON', infoText(SETS).replace('{', '{{')],
    ['a name that leads elsewhere', infoText({ '../../etc': set() })],
    ['nothing', ''],
  ])('with %s in its backup.info is damaged', async (_, text) => {
    await write(text);
    await expect(list()).rejects.toMatchObject({ code: 'corrupt' });
  });

  it('whose backup.info is a pipe is not waited for', async () => {
    execFileSync('mkfifo', [join(path, 'backup/main/backup.info')]);
    await expect(list()).rejects.toMatchObject({
      code: 'backup_unreadable',
      message: expect.stringContaining('no regular file'),
    });
  });

  it('of a newer pgBackRest than is known is not read', async () => {
    await write(infoText(SETS, 6));
    await expect(list()).rejects.toMatchObject({ code: 'unsupported_dump' });
  });

  it('without the stanza has no backup', async () => {
    await write(infoText(SETS));
    await expect(list({ stanza: 'other' })).rejects.toMatchObject({ code: 'no_backup' });
  });

  it('that is not there says nothing of its backups', async () => {
    await expect(list({ path: join(path, 'nowhere') })).rejects.toMatchObject({ code: 'backup_unreadable' });
  });

  it('that is no directory is not read', async () => {
    await write('');
    await expect(list({ path: join(path, 'backup/main/backup.info') })).rejects.toMatchObject({
      code: 'backup_unreadable',
    });
  });
});
