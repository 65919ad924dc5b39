import { MusterError } from '@muster/core';
import type { DirectoryCheck } from '../../examine/examine-directory.js';
import type { PostgresFacts } from '../postgres-facts.js';
import { walkLz4 } from './lz4-frame.js';
import { Members } from './member-end.js';

/** The files of a directory dump, held against its table of contents. */
export function memberCheck({ toc }: PostgresFacts): DirectoryCheck {
  if (toc === undefined) throw new MusterError('internal', 'A directory dump has no table of contents.');
  const members = new Members(toc);
  return {
    open: (path) => {
      const [, name = path, suffix] = /^(.+?)(?:\.(gz|lz4|zst))?$/.exec(path) ?? [];
      const member = members.open(name);
      if (member === undefined) return undefined;
      return async (source, expand, signal) => {
        if (suffix === 'lz4') return walkLz4(source);
        const wrapper = suffix === 'gz' ? 'gzip' : suffix === 'zst' ? 'zstd' : 'none';
        for await (const piece of expand(source, wrapper)) {
          signal.throwIfAborted();
          member.write(piece);
        }
        members.close(member);
      };
    },
    end: () => members.end(),
  };
}
