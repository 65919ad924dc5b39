import { describe, expect, it } from 'vitest';
import { thisWorker } from '../worker-identity.js';
import { type CellConfig, containerOptions, heldLimits } from './cell-config.js';
import type { DaemonInfo } from './daemon.js';

const MIB = 1024 * 1024;
const info: DaemonInfo = {
  id: 'id',
  name: 'host',
  memoryBytes: 1024 ** 3,
  rootDir: '/docker',
  cpus: 2,
  holds: { memory: true, cpu: true, pids: true },
};
const config: CellConfig = {
  name: 'muster-x',
  image: { id: 'sha256:1', digest: 'sha256:2', volumes: ['/var/lib/postgresql/data', '/tmp/'] },
  owner: { drill: 'drl_x', worker: thisWorker(), expiresAt: new Date('2026-11-20T12:00:00Z') },
  user: '999:998',
  limits: { cpus: 4, memoryBytes: 512 * MIB, diskBytes: 100 * MIB, pids: 64 },
  network: 'none',
  data: 'memory',
  quota: false,
  mounts: [{ hostPath: '/backups/x.dump', path: '/backup' }],
  lifeSeconds: 60,
};

describe('the cage', () => {
  it('leaves no writable place without a bound but the data volume and the socket directory', () => {
    for (const data of ['none', 'memory', 'disk'] as const) {
      for (const sharedSockets of ['/run/muster/x/s', undefined]) {
        const shared = sharedSockets === undefined ? {} : { sharedSockets };
        const { HostConfig } = containerOptions({ ...config, data, ...shared }, info);
        expect(HostConfig?.ReadonlyRootfs).toBe(true);
        for (const options of Object.values(HostConfig?.Tmpfs ?? {}))
          expect(options).toMatch(/nosuid,nodev,noexec.*size=\d+$/);
        const writable = (HostConfig?.Mounts ?? [])
          .filter((mount) => mount.ReadOnly !== true)
          .map((mount) => mount.Type);
        expect(writable).toEqual([
          ...(data === 'disk' ? ['volume'] : []),
          ...(sharedSockets ? ['bind'] : []),
        ]);
      }
    }
  });

  it('covers the volumes that an image declares, once', () => {
    const targets = containerOptions(config, info).HostConfig?.Mounts?.map((mount) => mount.Target);
    expect(targets).toEqual(['/backup', '/var/lib/postgresql/data']);
  });

  it('gives the data to the user, and the first process to another', () => {
    const options = containerOptions(config, info);
    expect(options.HostConfig?.Tmpfs?.['/muster/data']).toContain('uid=999,gid=998,mode=0700');
    expect(options.User).toBe('65533:65533');
    expect(containerOptions({ ...config, user: '65533:65533' }, info).User).not.toBe('65533:65533');
  });

  it('lets no memory out into swap, and asks for no more processors than there are', () => {
    const { HostConfig } = containerOptions(config, info);
    expect(HostConfig?.MemorySwap).toBe(HostConfig?.Memory);
    expect(HostConfig?.NanoCpus).toBe(2e9);
  });
});

describe('what is claimed to hold', () => {
  it('is all that the daemon holds', () => {
    expect(heldLimits(config, info)).toEqual({
      cpus: 2,
      memory_bytes: 512 * MIB,
      disk_bytes: 100 * MIB,
      pids: 64,
    });
  });

  it('is not a volume that is only watched', () => {
    expect(heldLimits({ ...config, data: 'disk' }, info)).not.toHaveProperty('disk_bytes');
    expect(heldLimits({ ...config, data: 'disk', quota: true }, info)).toHaveProperty(
      'disk_bytes',
      100 * MIB,
    );
  });

  it('is nothing that the kernel lacks', () => {
    const none = { ...info, holds: { memory: false, cpu: false, pids: false } };
    expect(heldLimits({ ...config, data: 'disk' }, none)).toEqual({});
    expect(containerOptions(config, none).HostConfig).not.toHaveProperty('NanoCpus');
  });
});
