import { writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  type Drilled,
  type Isolation,
  type ProjectOptions,
  projectOfEachTest,
} from '../support/drill-project.ts';
import { canRunIn, describeIn } from '../support/needs.ts';
import { plainDump } from '../support/plain-dump.ts';

const ISOLATIONS: readonly Isolation[] = ['docker', 'bubblewrap'];

const drillProject = projectOfEachTest();

const SLOW = 'SELECT pg_sleep(600)';
const cancelled = { exitCode: 2, predicate: { result: 'error', reason: 'cancelled' } };

/** A drill that is slow where it is asked to be, interrupted as soon as it has said `line`. */
async function interruptAt(
  line: RegExp,
  slow: { readonly isolation: Isolation; readonly dump?: string } & Partial<ProjectOptions>,
  signal: NodeJS.Signals = 'SIGINT',
): Promise<Drilled> {
  const project = await drillProject({ checks: { rows: ['SELECT 1 AS n', 'n == 1'] }, ...slow });
  await writeFile(join(project.dumps, 'shop.sql'), plainDump(slow.dump ?? 'CREATE TABLE t (n int);'));
  const { child, ended } = project.start();
  await said(child.stderr, line);
  child.kill(signal);
  return await ended;
}

function said(stream: NodeJS.ReadableStream | null, line: RegExp): Promise<void> {
  let text = '';
  return new Promise((resolve, reject) => {
    stream?.on('data', (piece: Buffer | string) => {
      text += piece;
      if (line.test(text)) resolve();
    });
    stream?.on('end', () => reject(new Error(`it ended before it said ${line}: ${text}`)));
  });
}

describeIn(ISOLATIONS, 'Ctrl-C leaves a receipt and nothing else (%s)', (isolation) => {
  it('while it locates the backup', async () => {
    // A source that accepts a connection and never answers.
    const mute = createServer();
    await new Promise<void>((resolve) => mute.listen(0, '127.0.0.1', resolve));
    const address = mute.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    const project = await drillProject({ isolation, source: ['connection: { uri: env:SHOP_URI }'] });
    const env = { SHOP_URI: `postgresql://u@127.0.0.1:${port}/shop` };
    const connected = new Promise<void>((resolve) => mute.once('connection', () => resolve()));
    const { child, ended } = project.start([], env);
    await connected;
    child.kill('SIGINT');
    expect(await ended).toMatchObject(cancelled);
    mute.close();
  });

  it('while it launches the scratch', async () => {
    const drilled = await interruptAt(/locate: done/, { isolation, dump: `${SLOW};` });
    expect(drilled).toMatchObject(cancelled);
  });

  it('while it restores', async () => {
    const drilled = await interruptAt(/launch: done/, { isolation, dump: `${SLOW};` });
    expect(drilled).toMatchObject(cancelled);
    expect(drilled.predicate?.phases.map((phase) => phase.outcome)).toEqual([
      'done',
      'done',
      'cancelled',
      'done',
    ]);
  });

  it('while it asks a check: what was judged before stands, the rest is not_run', async () => {
    const checks = {
      quick: ['SELECT 1 AS n', 'n == 1'],
      slow: [SLOW, 'pg_sleep == 1'],
      last: ['SELECT 1 AS n', 'n == 1'],
    } as const;
    const drilled = await interruptAt(/check quick: pass/, { isolation, checks });
    expect(drilled).toMatchObject(cancelled);
    expect(drilled.predicate?.checks.map((check) => check.verdict)).toEqual(['pass', 'not_run', 'not_run']);
  });

  it('while it destroys the scratch: the verdict was known, and stands', async () => {
    const drilled = await interruptAt(/check: done/, { isolation });
    expect(drilled).toMatchObject({ exitCode: 0, predicate: { result: 'pass' } });
  });
});

describe.runIf(canRunIn('docker'))('a drill that is stopped otherwise', () => {
  it('by SIGTERM ends as by Ctrl-C', async () => {
    const drilled = await interruptAt(/launch: done/, { isolation: 'docker', dump: `${SLOW};` }, 'SIGTERM');
    expect(drilled).toMatchObject(cancelled);
  });
});
