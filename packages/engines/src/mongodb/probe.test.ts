import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { PROBE, parseProbe } from './probe.js';

const told = (...lines: string[][]) => lines.map((fields) => `${fields.join('\t')}\n`).join('');
const END = ['end', '', '', ''];

describe('what a probe printed', () => {
  it('is the servers, the tools beside them, and the user', () => {
    const output = told(
      ['server', '/usr/bin/mongod', '8.0.4', ''],
      ['mongorestore', '/usr/bin/mongorestore', '100.10.0', ''],
      ['mongodump', '/usr/bin/mongodump', '100.10.0', ''],
      ['user', '999:999', '', ''],
      END,
    );
    expect(parseProbe(output)).toEqual({
      installations: [
        {
          path: '/usr/bin/mongod',
          major: 8,
          version: '8.0.4',
          mongorestore: { path: '/usr/bin/mongorestore', version: '100.10.0' },
          mongodump: { path: '/usr/bin/mongodump', version: '100.10.0' },
        },
      ],
      user: '999:999',
      mongodump: { path: '/usr/bin/mongodump', version: '100.10.0' },
    });
  });

  it('tells a stand-in by its own name', () => {
    const output = told(['server', '/usr/bin/mongod', '7.0.77', 'FerretDB 2.7.0'], END);
    expect(parseProbe(output).installations).toEqual([
      { path: '/usr/bin/mongod', major: 7, version: '7.0.77', substitute: 'FerretDB 2.7.0' },
    ]);
  });

  it('has no server whose version is none', () => {
    const output = told(['server', '/usr/bin/mongod', 'unknown', ''], END);
    expect(parseProbe(output)).toEqual({ installations: [] });
  });

  it.each(['', 'sh: not found\n', told(['server', '/usr/bin/mongod', '8.0.4', ''])])(
    'is refused where it did not come to its end: %j',
    (output) => {
      expect(() => parseProbe(output)).toThrow(expect.objectContaining({ code: 'image_unavailable' }));
    },
  );
});

describe('the probe', () => {
  let directory: string;
  beforeAll(() => {
    directory = mkdtempSync(join(tmpdir(), 'probe-'));
    mkdirSync(join(directory, 'bin'));
    const program = (name: string, ...lines: string[]) => {
      const path = join(directory, 'bin', name);
      writeFileSync(path, `#!/bin/sh\ncat <<'END'\n${lines.join('\n')}\nEND\n`);
      chmodSync(path, 0o755);
    };
    program('mongod', 'db version v7.0.77', 'Build Info: {', '}', 'substitute: FerretDB 2.7.0');
    program('mongorestore', 'mongorestore version: 100.9.4', 'git version: x');
  });
  afterAll(() => rmSync(directory, { recursive: true, force: true }));

  it('finds what is on the PATH', () => {
    const bin = join(directory, 'bin');
    const output = execFileSync('/bin/sh', ['-c', PROBE], {
      encoding: 'utf8',
      env: { PATH: `/usr/bin:/bin:${bin}` },
    });
    expect(parseProbe(output).installations).toContainEqual({
      path: `${bin}/mongod`,
      major: 7,
      version: '7.0.77',
      substitute: 'FerretDB 2.7.0',
      mongorestore: expect.objectContaining({ version: expect.stringMatching(/^\d/) }),
    });
  });
});
