/** Collects the last `limit` bytes of a stream as text: what a receipt's diagnosis needs, whatever a tool prints. */
export interface Tail {
  add(piece: Uint8Array): void;
  text(): string;
}

const TAIL_BYTES = 64 * 1024;

export function createTail(limit: number = TAIL_BYTES): Tail {
  let pieces: Uint8Array[] = [];
  let held = 0;
  return {
    add(piece) {
      // A copy: a small piece would otherwise keep alive the whole chunk that it was cut from.
      pieces.push(Buffer.from(piece));
      held += piece.byteLength;
      // Compacted only now and then, so that a flood of small pieces stays linear.
      if (held > 2 * limit) {
        const last = Buffer.concat(pieces).subarray(-limit);
        pieces = [Buffer.from(last)];
        held = last.byteLength;
      }
    },
    text: () => Buffer.concat(pieces).subarray(-limit).toString('utf8'),
  };
}
