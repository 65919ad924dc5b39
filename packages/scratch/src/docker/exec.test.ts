import { PassThrough } from 'node:stream';
import { describe, expect, it } from 'vitest';
import type { Loss } from '../scratch.js';
import type { Cell } from './cell.js';
import { execInCell } from './exec.js';

const LOST: Loss = { reason: 'scratch_lost', detail: 'somebody removed it' };

/** A frame of Docker's stream: kind (1 stdout, 2 stderr), three zeros, length, text. */
function frame(kind: 1 | 2, text: string): Buffer {
  const header = Buffer.alloc(8);
  header[0] = kind;
  header.writeUInt32BE(text.length, 4);
  return Buffer.concat([header, Buffer.from(text)]);
}

/** A cell in which each process ends at once, with what Docker says of it. */
function cellWhere(output: Buffer, exitCode: number, ended: Promise<Loss>): Cell {
  return {
    user: 'postgres',
    bootId: 'boot',
    ended,
    outOfMemory: () => false,
    endingFor: () => undefined,
    startExec: async () => {
      const stream = new PassThrough();
      stream.end(output);
      return { stream, exitCode: async () => exitCode };
    },
    end: async () => {},
  };
}

describe('a process in a cell', () => {
  const refused = frame(1, 'OCI runtime exec failed: write init-p: broken pipe: unknown\n');
  const never = new AbortController().signal;

  it('that Docker could not begin because the cell ended is lost with it', async () => {
    const run = execInCell(cellWhere(refused, 126, Promise.resolve(LOST)), { argv: ['true'] }, never);
    await expect(run).rejects.toMatchObject({ code: 'scratch_lost', message: LOST.detail });
  });

  it('that began and ended by itself keeps its exit code, also when the cell ends after it', async () => {
    const began = Buffer.concat([frame(2, '42\n'), frame(1, 'not executable\n')]);
    const run = execInCell(cellWhere(began, 126, Promise.resolve(LOST)), { argv: ['true'] }, never);
    expect(await run).toMatchObject({ exitCode: 126, stdout: 'not executable\n' });
  });
});
