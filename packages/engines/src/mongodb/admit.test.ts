import { describe, expect, it } from 'vitest';
import { admit } from './admit.js';

const base = (...servers: [path: string, version: string, substitute?: string][]) => ({
  isolation: 'docker' as const,
  image: 'mongo:8',
  facts: [
    ...servers.map(([path, version, substitute = '']) => `server\t${path}\t${version}\t${substitute}\n`),
    'end\t\t\t\n',
  ].join(''),
});
const dumped = (version: string) => ({ major: Number.parseInt(version, 10), serverVersion: version });
const BOTH = base(['/a/mongod', '7.0.5'], ['/b/mongod', '8.0.4']);

describe('a backup of MongoDB', () => {
  it('gets the server of its version, else the nearest newer one', () => {
    expect(admit(dumped('7.0.1'), BOTH).installation.path).toBe('/a/mongod');
    expect(admit(dumped('4.4.29'), BOTH).installation.path).toBe('/a/mongod');
    expect(admit(dumped('8.0.0'), BOTH).installation.path).toBe('/b/mongod');
  });

  it('that does not tell its version gets the newest', () => {
    expect(admit({ major: 9 }, BOTH).installation.path).toBe('/b/mongod');
  });

  it('newer than any server there is not restored', () => {
    expect(() => admit(dumped('9.0.0'), BOTH)).toThrow(
      expect.objectContaining({ code: 'version_unavailable', message: expect.stringContaining('7, 8') }),
    );
  });

  it('needs a server', () => {
    expect(() => admit(dumped('8.0.0'), base())).toThrow(
      expect.objectContaining({ code: 'image_unavailable' }),
    );
  });

  it('may be restored into a stand-in, whatever version that claims', () => {
    const { installation, user } = admit(dumped('8.0.0'), base(['/a/mongod', '7.0.77', 'FerretDB 2.7.0']));
    expect(installation.substitute).toBe('FerretDB 2.7.0');
    expect(user).toBe('65534:65534');
  });
});
