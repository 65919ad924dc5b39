import { execFileSync } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type DrillProject, drillProject } from '../support/drill-project.ts';
import { findProgram } from '../support/find-program.ts';
import { IMAGES } from '../support/images.ts';
import { canRunIn } from '../support/needs.ts';
import { type OwnDaemon, startDaemon } from '../support/own-daemon.ts';
import { plainDump } from '../support/plain-dump.ts';
import { requirement } from '../support/requirement.ts';

const can = process.getuid?.() === 0 && findProgram('dockerd') !== undefined;

describe.runIf(requirement('own-dockerd', can, 'needs root and dockerd') && canRunIn('docker'))(
  'Docker that stops in the middle of a drill',
  () => {
    let daemon: OwnDaemon;
    let project: DrillProject;
    beforeAll(async () => {
      daemon = await startDaemon();
      const image = execFileSync('sh', [
        '-c',
        `docker save ${IMAGES[15]} | docker --host ${daemon.host} load`,
      ]);
      expect(image.toString()).toContain(IMAGES[15]);
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
  },
);
