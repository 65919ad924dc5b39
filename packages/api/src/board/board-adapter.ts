import { BullMQAdapter } from '@bull-board/api/bullMQAdapter';
import type { JobStatus } from '@bull-board/api/typings/app';
import type { BoardQueue } from '@muster/queue';

/** A queue of Muster for Bull Board. Nothing done by hand makes a tick or a receipt better: those are for looking. */
export class BoardAdapter extends BullMQAdapter {
  readonly #board: BoardQueue;

  constructor(board: BoardQueue) {
    super(board.queue, { readOnlyMode: board.kind !== 'drills' });
    this.#board = board;
  }

  override getJob(id: string): ReturnType<BullMQAdapter['getJob']> {
    return this.#board.job(id);
  }

  override async getJobs(
    statuses: JobStatus[],
    start?: number,
    end?: number,
  ): ReturnType<BullMQAdapter['getJobs']> {
    // BullMQ 6 has no such state any more.
    const states = statuses.filter((status) => status !== 'paused');
    return [...(await this.#board.jobs(states, start, end))];
  }
}
