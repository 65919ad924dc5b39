import { describe, expect, it } from 'vitest';
import { walCommand } from './made-settings.js';

describe('the command that fetches WAL for a server that recovers', () => {
  it('holds all that is no secret, and asks nobody else where nothing is', () => {
    expect(walCommand('main', '/data', { 'repo1-path': '/100% ours' })).toEqual({
      command:
        'pgbackrest --no-config --stanza=main "--pg1-path=/data" "--repo1-cipher-type=none" "--repo1-type=posix" "--repo1-path=/100%% ours" archive-get %f "%p"',
      secrets: [],
    });
  });

  it('leaves secrets to the environment of the server, or the pgbackrest.conf of its machine', () => {
    const { command, secrets } = walCommand('main', '/data', {
      'repo1-type': 's3',
      'repo1-s3-key': 'id',
      'repo1-s3-key-secret': 'PLANTED',
      'repo1-cipher-pass': 'PLANTED',
    });
    expect(secrets).toEqual(['repo1-s3-key', 'repo1-s3-key-secret', 'repo1-cipher-pass']);
    expect(command).not.toMatch(/PLANTED|--no-config/);
  });

  it.each(["/it's", '/$(reboot)', '/a"b', '/a\\b', '/a\nb', '/`b`'])(
    'is not made of %j, which a shell would read otherwise',
    (path) => {
      expect(() => walCommand('main', path, {})).toThrow(expect.objectContaining({ code: 'usage' }));
    },
  );
});
