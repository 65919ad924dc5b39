import { describe, expect, it } from 'vitest';
import type { RepositorySet } from '../../artefact.js';
import { examineSet, withSameManifest } from './examine-set.js';
import type { PgbackrestFacts } from './pgbackrest-facts.js';

const SIGNAL = AbortSignal.timeout(5_000);
const FACTS: PgbackrestFacts = {
  format: 'pgbackrest-full',
  major: 17,
  databases: [],
  pgbackrest: { archiveId: '17-1', hasPageErrors: false, owner: { uid: 1, gid: 1 } },
};

/** @param digests - of its manifest, one after the other. */
function setOf(...digests: readonly string[]): RepositorySet {
  const left = [...digests];
  const manifestDigest = async () => `sha256:${left.shift() ?? ''}` as const;
  return { form: 'repository', name: 'set', path: '/r', stanza: 'main', sizeBytes: 5, manifestDigest };
}

describe('the manifest of a backup set', () => {
  it('is the same one for the examination and the restore, before it and after', async () => {
    const set = setOf('a', 'a');
    const [examined, restored] = await Promise.all([
      examineSet(set, FACTS, SIGNAL),
      withSameManifest(set, SIGNAL, async () => 'restored'),
    ]);
    expect(examined).toEqual({ sha256: 'sha256:a', sizeBytes: 5 });
    expect(restored).toBe('restored');
  });

  it('that changed meanwhile proves nothing', async () => {
    const set = setOf('a', 'b');
    await expect(withSameManifest(set, SIGNAL, async () => 'restored')).rejects.toMatchObject({
      code: 'backup_changed',
    });
  });
});
