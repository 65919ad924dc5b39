import { execFileSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { drawBackup, drawFaults, type ListedBackup, MOST_LISTED } from './draw.js';
import { newDrillId } from './ids.js';
import type { Predicate } from './statement.js';

const AT = new Date('2026-11-20T03:00:00.000Z');
const DRILL = newDrillId(AT, () => 0);
const madeBefore = (hours: number, id: string): ListedBackup => ({
  id,
  created_at: new Date(AT.getTime() - hours * 3_600_000).toISOString(),
  size_bytes: hours,
});
const BACKUPS = ['c', 'ä', 'b', 'z', 'a'].map((name, hours) => madeBefore(hours, `${name}.dump`));

function draw(drillId = DRILL, backups: readonly ListedBackup[] = BACKUPS) {
  const made = drawBackup(drillId, backups);
  if (made === undefined) throw new Error('there is something to draw from');
  return made;
}

const receipt = (
  changes: Partial<Predicate['restore_point']> = {},
  newest?: Partial<Predicate['newest_backup']>,
) =>
  ({
    drill_id: DRILL,
    newest_backup: newest,
    restore_point: { kind: 'random', asked: '14d', resolved: draw().drawn.id, ...changes },
  }) as Predicate;

describe('a random choice', () => {
  it('is the same in whatever order the backups were found', () =>
    expect(draw(DRILL, BACKUPS.toReversed())).toEqual(draw()));

  it('is another for another drill, and reaches every backup', () => {
    const ids = Array.from({ length: 200 }, (_, index) =>
      newDrillId(new Date(AT.getTime() + index), () => 0),
    );
    expect(new Set(ids.map((id) => draw(id).drawn.id)).size).toBe(BACKUPS.length);
  });

  it('is repeated by sh and sha256sum', () => {
    const { listing, listingSha256, drawn } = draw();
    const script = `
      sha=sha256:$(printf %s "$LISTING" | sha256sum | cut -c1-64)
      digits=$(printf '%s %s' "$DRILL" "$sha" | sha256sum | cut -c1-15)
      echo "$sha $((0x$digits % N))"`;
    const env = { ...process.env, LISTING: listing, DRILL, N: String(BACKUPS.length) };
    const [sha, index] = execFileSync('sh', ['-c', script], { env, encoding: 'utf8' }).trim().split(' ');
    expect(sha).toBe(listingSha256);
    expect(JSON.parse(listing)[Number(index)]).toEqual(drawn);
  });

  it('is drawn from the newest where there are very many', () => {
    const many = Array.from({ length: MOST_LISTED + 1 }, (_, hours) => madeBefore(hours, `${hours}.dump`));
    const listed = JSON.parse(draw(DRILL, many).listing);
    expect(listed).toHaveLength(MOST_LISTED);
    expect(listed.at(-1).id).toBe('0.dump');
  });

  it('counts a name once that two backups have, with the newer', () => {
    const twice = [madeBefore(9, 'c.dump'), ...BACKUPS];
    expect(draw(DRILL, twice)).toEqual(draw());
  });

  it('is none where there is nothing to draw from', () => expect(drawBackup(DRILL, [])).toBeUndefined());
});

describe('the listing of a receipt', () => {
  const { listing } = draw();
  const other = BACKUPS.find(({ id }) => id !== draw().drawn.id)?.id ?? '';
  const listed = JSON.parse(listing);

  it('bears out an honest draw', () => expect(drawFaults(receipt(), listing)).toEqual([]));

  it('bears out a draw of the newest, whose head told an earlier time', () => {
    const newest = { id: draw().drawn.id, created_at: '2026-11-01T00:00:00.000Z' };
    expect(drawFaults(receipt({}, newest), listing)).toEqual([]);
  });

  it.each<[string, Predicate, string, string]>([
    ['another backup', receipt({ resolved: other }), listing, 'the lot falls on another backup'],
    ['another order', receipt(), JSON.stringify(listed.toReversed()), 'not in its order'],
    ['one backup twice', receipt(), JSON.stringify([listed[0], ...listed]), 'not in its order'],
    [
      'one name twice',
      receipt(),
      JSON.stringify([{ ...listed[0], created_at: '2026-11-19T00:00:00.000Z' }, ...listed]),
      'stands twice',
    ],
    [
      'a backup newer than the newest',
      receipt({}, { id: other, created_at: '2026-11-19T00:00:00.000Z' }),
      listing,
      'newer than the newest',
    ],
    ['a narrower window', receipt({ asked: '0d' }), '[]', 'the lot falls on another'],
    ['nothing', receipt(), '[]', 'the lot falls on another'],
    ['no listing', receipt(), '{}', 'the listing is none'],
    ['another form', receipt(), ` ${listing}`, 'the listing is none'],
    [
      'a backup from before the window',
      receipt(),
      JSON.stringify([{ ...listed[0], created_at: '2026-11-01T00:00:00.000Z' }, ...listed]),
      'not made in the window',
    ],
  ])('contradicts one of %s', (_name, predicate, text, clause) =>
    expect(drawFaults(predicate, text)).toContainEqual(expect.stringContaining(clause)),
  );
});
