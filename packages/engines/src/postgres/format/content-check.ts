import { MusterError } from '@muster/core';
import type { ContentCheck } from '../../examine/content-check.js';
import { GLOBALS_FOOTER, PLAIN_FOOTER } from '../plain/footer.js';
import type { PostgresFacts } from '../postgres-facts.js';
import { CustomBlocks } from './custom-blocks.js';
import { type MemberEnd, Members } from './member-end.js';
import { TarReader } from './tar.js';

/** What can be told about a dump in a single file without restoring it. */
export function contentCheck({ container, globals, toc }: PostgresFacts): ContentCheck {
  if (container === 'plain') return new Footer(globals ? GLOBALS_FOOTER : PLAIN_FOOTER);
  if (toc === undefined) throw new MusterError('internal', 'An archive has no table of contents.');
  return container === 'custom' ? new CustomBlocks(toc) : tarMembers(new Members(toc));
}

function tarMembers(members: Members): ContentCheck {
  let member: MemberEnd | undefined;
  const tar = new TarReader({
    begin: ({ name }) => {
      member = members.open(name);
    },
    data: (bytes) => member?.write(bytes),
    end: () => {
      if (member !== undefined) members.close(member);
      member = undefined;
    },
  });
  return {
    write: (bytes) => tar.write(bytes),
    end: () => {
      tar.end();
      members.end();
    },
  };
}

/** After its last line pg_dump writes no more than an `\unrestrict` and, if verbose, the time. */
const TAIL_BYTES = 4096;

class Footer implements ContentCheck {
  #tail: Buffer = Buffer.alloc(0);
  readonly #footer: Buffer;

  constructor(footer: Buffer) {
    this.#footer = footer;
  }

  write(bytes: Buffer): void {
    const tail = bytes.length >= TAIL_BYTES ? bytes : Buffer.concat([this.#tail, bytes]);
    this.#tail = Buffer.from(tail.subarray(-TAIL_BYTES));
  }

  end(): void {
    if (this.#tail.includes(this.#footer)) return;
    throw new MusterError(
      'truncated',
      'The dump ends before the line that pg_dump writes at its end. Take another backup.',
    );
  }
}
