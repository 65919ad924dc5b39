import { MusterError } from '@muster/core';
import { z } from 'zod';

/**
 * Prints what an image, or a host, has of MongoDB: one fact a line, fields apart by tabs. POSIX sh that also runs under
 * busybox; a tool that is not there is a fact that is not printed. A server that stands in for MongoDB says what it
 * truly is in a line `substitute: NAME VERSION` of its `--version`.
 */
export const PROBE = `
tab=$(printf '\\t')
say() { printf '%s\\n' "$1$tab$2$tab$3$tab$4"; }
seen=:
for dir in /usr/bin /usr/local/bin /opt/bitnami/mongodb/bin /opt/mongodb/bin $(printf %s "$PATH" | tr ':' ' '); do
  dir=\${dir%/}
  case $seen in *":$dir:"*) continue ;; esac
  seen=$seen$dir:
  if [ -x "$dir/mongod" ]; then
    told=$("$dir/mongod" --version 2>/dev/null) &&
      say server "$dir/mongod" "$(printf '%s\\n' "$told" | sed -n 's/^db version v*//p' | head -n 1)" "$(printf '%s\\n' "$told" | sed -n 's/^substitute: //p' | head -n 1)"
  fi
  for tool in mongorestore mongodump; do
    [ -x "$dir/$tool" ] || continue
    told=$("$dir/$tool" --version 2>/dev/null) &&
      say "$tool" "$dir/$tool" "$(printf '%s\\n' "$told" | sed -n "s/^$tool version: *//p" | head -n 1)" ''
  done
done
if [ -r /etc/passwd ]; then
  while IFS=: read -r name _ uid gid _; do
    [ "$name" = mongodb ] || [ "$name" = mongod ] || continue
    say user "$uid:$gid" '' ''
  done < /etc/passwd
fi
say end '' '' ''
`;

const path = z.string().startsWith('/');
/** A build of one's own may call itself anything: what is not a version is none. */
const version = z.string().transform((text) => /^\d+(\.\d+)*/.exec(text)?.[0] ?? '');

const factSchema = z.discriminatedUnion('fact', [
  z.object({ fact: z.literal('server'), of: path, name: version, substitute: z.string() }),
  z.object({ fact: z.literal('mongorestore'), of: path, name: version }),
  z.object({ fact: z.literal('mongodump'), of: path, name: version }),
  z.object({ fact: z.literal('user'), of: z.string().regex(/^\d+:\d+$/) }),
  z.object({ fact: z.literal('end') }),
]);

/** A tool of the MongoDB Database Tools, whose versions are their own (100.x). */
export interface DatabaseTool {
  readonly path: string;
  /** Empty where it does not tell one. */
  readonly version: string;
}

/** One server, and the tools that are beside it. */
export interface Installation {
  /** Of `mongod`. */
  readonly path: string;
  readonly major: number;
  readonly version: string;
  /** What the server truly is, where it stands in for MongoDB: `FerretDB 2.7.0`. */
  readonly substitute?: string;
  readonly mongorestore?: DatabaseTool;
  readonly mongodump?: DatabaseTool;
}

/** What {@link PROBE} found. */
export interface ImageFacts {
  readonly installations: readonly Installation[];
  /** `uid:gid` of the user mongodb (mongod where Fedora packaged it). */
  readonly user?: string;
  /** Needs no server beside it. */
  readonly mongodump?: DatabaseTool;
}

/** @throws `image_unavailable` where the image could not even run the probe to its end. */
export function parseProbe(output: string): ImageFacts {
  const facts = output
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => {
      const [fact, of, name, substitute] = line.split('\t');
      return factSchema.safeParse({ fact, of, name, substitute });
    });
  const known = facts.flatMap(({ data }) => (data === undefined ? [] : [data]));
  if (known.length !== facts.length || known.at(-1)?.fact !== 'end') {
    throw new MusterError(
      'image_unavailable',
      'The image could not be looked into: it needs a POSIX shell and MongoDB. Name another with `image:`.',
      { output },
    );
  }
  const mongorestore = toolOf(known.find((fact) => fact.fact === 'mongorestore'));
  const mongodump = toolOf(known.find((fact) => fact.fact === 'mongodump'));
  const user = known.find((fact) => fact.fact === 'user')?.of;
  return {
    installations: known
      .filter((fact) => fact.fact === 'server')
      .filter(({ name }) => name !== '')
      .map((server) => ({
        path: server.of,
        major: Number.parseInt(server.name, 10),
        version: server.name,
        ...(server.substitute === '' ? {} : { substitute: server.substitute }),
        ...(mongorestore && { mongorestore }),
        ...(mongodump && { mongodump }),
      })),
    ...(user === undefined ? {} : { user }),
    ...(mongodump && { mongodump }),
  };
}

function toolOf(fact: { readonly of: string; readonly name: string } | undefined): DatabaseTool | undefined {
  return fact && { path: fact.of, version: fact.name };
}
