import { MusterError } from '@muster/core';
import { z } from 'zod';

/**
 * Prints what an image, or a host, has of PostgreSQL: one fact a line, fields apart by tabs. POSIX sh that also runs
 * under busybox; a tool that is not there is a fact that is not printed.
 */
export const PROBE = `
tab=$(printf '\\t')
say() { printf '%s\\n' "$1$tab$2$tab$3$tab$4"; }
seen=:
for dir in /usr/lib/postgresql/*/bin /usr/lib/postgresql*/bin /usr/libexec/postgresql*/ /usr/pgsql-*/bin /opt/bitnami/postgresql/bin /usr/local/pgsql/bin /usr/local/bin /usr/bin $(printf %s "$PATH" | tr ':' ' '); do
  dir=\${dir%/}
  case $seen in *":$dir:"*) continue ;; esac
  seen=$seen$dir:
  [ -x "$dir/postgres" ] && [ -x "$dir/initdb" ] && [ -x "$dir/pg_restore" ] && [ -x "$dir/psql" ] || continue
  server=$("$dir/postgres" --version 2>/dev/null) || continue
  psql=$("$dir/psql" --version 2>/dev/null) || continue
  say server "$dir" "$server" "$psql"
  share=$("$dir/pg_config" --sharedir 2>/dev/null)
  if [ ! -d "$share/extension" ]; then
    major=\${server##* }; major=\${server#*PostgreSQL\\) }; major=\${major%%.*}
    for share in "\${dir%/bin}/share" "\${dir%/bin}/share/postgresql" "/usr/share/postgresql/$major" "/usr/share/postgresql$major" "/usr/share/postgresql" "/usr/local/share/postgresql"; do
      [ -d "$share/extension" ] && break
    done
  fi
  for control in "$share"/extension/*.control; do
    [ -f "$control" ] || continue
    name=\${control##*/}
    say extension "$dir" "\${name%.control}" ''
  done
done
pgbackrest=$(pgbackrest version 2>/dev/null) && say pgbackrest "\${pgbackrest##* }" '' ''
if [ -r /etc/passwd ]; then
  while IFS=: read -r name _ uid gid _; do
    [ "$name" = postgres ] && say user "$uid:$gid" '' ''
  done < /etc/passwd
fi
if locale -a >/dev/null 2>&1 && ! ls /lib/ld-musl-* >/dev/null 2>&1; then
  locale -a 2>/dev/null | while read -r name; do say locale "$name" '' ''; done
else
  say any-locale '' '' ''
fi
say end '' '' ''
`;

const version = z
  .string()
  .regex(/^\S+ \(PostgreSQL\) \d+(\.\d+)*/)
  .transform((text) => text.replace(/^\S+ \(PostgreSQL\) /, '').replace(/[^0-9.].*$/, ''));

const factSchema = z.discriminatedUnion('fact', [
  z.object({ fact: z.literal('server'), of: z.string().startsWith('/'), name: version, psql: version }),
  z.object({ fact: z.literal('extension'), of: z.string().startsWith('/'), name: z.string().min(1) }),
  z.object({ fact: z.literal('pgbackrest'), of: z.string().regex(/^\d+\.\d+/) }),
  z.object({ fact: z.literal('user'), of: z.string().regex(/^\d+:\d+$/) }),
  z.object({ fact: z.literal('locale'), of: z.string().min(1) }),
  z.object({ fact: z.literal('any-locale') }),
  z.object({ fact: z.literal('end') }),
]);

/** One installation of PostgreSQL: a server and the tools of its version. */
export interface Installation {
  /** Directory of `postgres`, `initdb`, `pg_restore`, `psql`. */
  readonly bindir: string;
  readonly major: number;
  readonly version: string;
  readonly psqlVersion: string;
  readonly extensions: ReadonlySet<string>;
}

/** What {@link PROBE} found. */
export interface ImageFacts {
  readonly installations: readonly Installation[];
  /** The version of pgBackRest; absent where it is not there. */
  readonly pgbackrest?: string;
  /** `uid:gid` of the user postgres. */
  readonly user?: string;
  /** As `locale -a` names them; `any` where the C library takes every name (musl) or does not tell. */
  readonly locales: ReadonlySet<string> | 'any';
}

/** @throws `image_unavailable` where the image could not even run the probe to its end. */
export function parseProbe(output: string): ImageFacts {
  const facts = output
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => {
      const [fact, of, name, psql] = line.split('\t');
      return factSchema.safeParse({ fact, of, name, psql });
    });
  const known = facts.flatMap(({ data }) => (data === undefined ? [] : [data]));
  if (known.length !== facts.length || known.at(-1)?.fact !== 'end') {
    throw new MusterError(
      'image_unavailable',
      'The image could not be looked into: it needs a POSIX shell and PostgreSQL. Name another with `image:`.',
      { output },
    );
  }
  const pgbackrest = known.find((fact) => fact.fact === 'pgbackrest')?.of;
  const user = known.find((fact) => fact.fact === 'user')?.of;
  return {
    installations: known
      .filter((fact) => fact.fact === 'server')
      .map((server) => ({
        bindir: server.of,
        major: Number.parseInt(server.name, 10),
        version: server.name,
        psqlVersion: server.psql,
        extensions: new Set(
          known.flatMap((fact) => (fact.fact === 'extension' && fact.of === server.of ? [fact.name] : [])),
        ),
      })),
    ...(pgbackrest === undefined ? {} : { pgbackrest }),
    ...(user === undefined ? {} : { user }),
    locales: known.some((fact) => fact.fact === 'any-locale')
      ? 'any'
      : new Set(known.flatMap((fact) => (fact.fact === 'locale' ? [fact.of] : []))),
  };
}
