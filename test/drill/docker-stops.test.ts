import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type DrillProject, drillProject } from '../support/drill-project.ts';
import { loadImage } from '../support/load-image.ts';
import { canRunIn } from '../support/needs.ts';
import { canRunOwnDaemon, type OwnDaemon, startDaemon } from '../support/own-daemon.ts';
import { plainDump } from '../support/plain-dump.ts';

describe.runIf(canRunOwnDaemon() && canRunIn('docker'))('Docker that stops in the middle of a drill', () => {
  let daemon: OwnDaemon;
  let project: DrillProject;
  beforeAll(async () => {
    daemon = await startDaemon();
    loadImage(daemon);
    project = await drillProject({ isolation: 'docker' });
    await writeFile(join(project.dumps, 'shop.sql'), plainDump('SELECT pg_sleep(600);'));
  });
  afterAll(async () => {
    await project?.remove();
    await daemon?.close();
  });

  it('ends it as lost, with a receipt, and leaves nothing', async () => {
    const { child, ended } = project.start([], { DOCKER_HOST: daemon.host });
    await new Promise<void>((resolve) => {
      child.stderr?.on('data', (text: string) => {
        if (text.includes('launch: done')) resolve();
      });
    });
    await daemon.stop('SIGTERM');
    expect(await ended).toMatchObject({
      exitCode: 2,
      predicate: { result: 'error', reason: 'scratch_lost', checks: [{ verdict: 'not_run' }] },
    });
    expect(await project.leftovers()).toEqual([]);
  });
});
