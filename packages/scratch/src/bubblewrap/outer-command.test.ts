import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { outerCommand, stagePoint } from './outer-command.js';

const run = ([file, ...args]: readonly [string, ...string[]]): string =>
  execFileSync(file, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });

it('an ordinary user becomes the command, with its arguments as they are', () => {
  const odd = ' two  "words" $HOME `id` \n';
  expect(run(outerCommand({ asRoot: false, cgroupProcs: [] }, 2, ['printf', '%s', odd]))).toBe(odd);
});

it('a process is in its control groups before it is the command', () => {
  const directory = mkdtempSync(join(tmpdir(), 'muster-'));
  const file = join(directory, 'cgroup.procs');
  const pid = run(outerCommand({ asRoot: false, cgroupProcs: [file] }, 2, ['sh', '-c', 'echo $$']));
  expect(readFileSync(file, 'utf8')).toBe(pid);
  rmSync(directory, { recursive: true });
});

it('a control group that cannot be joined is a fault, and the command does not run', () => {
  const command = outerCommand({ asRoot: false, cgroupProcs: ['/no/such/cgroup.procs'] }, 2, ['echo', 'ran']);
  expect(() => run(command)).toThrow();
});

it('root gives up root, and shows what it has through a mount namespace of its own', () => {
  const command = outerCommand(
    {
      asRoot: true,
      cgroupProcs: [],
      stage: { directory: '/media', binds: [{ from: '/root/x', to: '/media/0' }] },
    },
    7,
    ['bwrap'],
  );
  expect(command.slice(0, 4)).toEqual(['unshare', '--mount', '--propagation', 'private']);
  expect(command.slice(-5)).toEqual(['--reuid=65534', '--regid=65534', '--clear-groups', '--', 'bwrap']);
  expect(command).toContain('/root/x');
});

it('the stage hides none of what it is to show', () => {
  const all = (): boolean => true;
  expect(stagePoint(['/root/x'], all)).toBe('/media');
  expect(stagePoint(['/media/usb/x', '/mnt'], all)).toBe('/srv');
  expect(stagePoint(['/mediathek/x'], all)).toBe('/media');
  expect(stagePoint(['/root/x'], () => false)).toBeUndefined();
});
