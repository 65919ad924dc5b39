import { randomBytes } from 'node:crypto';
import { Readable } from 'node:stream';
import type { Command, NetworkedCommand } from '../scratch.js';

/**
 * The command with its secrets moved to the front of its stdin, where only the process itself sees them: `sh` reads
 * them up to a line that no value holds, exports them, and becomes the tool, whose stdin is the rest.
 */
export function withSecrets(command: NetworkedCommand): Command {
  const end = randomBytes(16).toString('hex');
  const exports = Object.entries(command.secretEnv)
    .map(([name, value]) => `export ${checkedName(name)}=${quote(value)}\n`)
    .join('');
  return {
    ...command,
    argv: ['/bin/sh', '-c', READ_SECRETS, 'sh', end, ...command.argv],
    stdin: Readable.from(concat(`${exports}${end}\n`, command.stdin), { objectMode: false }),
  };
}

const READ_SECRETS = `end=$1; shift; secrets=
while IFS= read -r line && [ "$line" != "$end" ]; do secrets="$secrets$line
"; done
eval "$secrets"; unset secrets line end
exec "$@"`;

/** For POSIX sh: nothing is special between single quotes but their end. */
const quote = (value: string): string => `'${value.replaceAll("'", `'\\''`)}'`;

function checkedName(name: string): string {
  if (!/^[A-Za-z_]\w*$/.test(name)) throw new TypeError(`not a name for an environment variable: ${name}`);
  return name;
}

async function* concat(head: string, rest: Readable | undefined): AsyncGenerator<Buffer> {
  yield Buffer.from(head);
  if (rest !== undefined) yield* rest;
}
