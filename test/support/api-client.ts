import { makeToken } from '@muster/api';
import type { FleetOptions, Service } from './fleet.ts';

const ROLES = ['viewer', 'operator', 'admin'] as const;
type TestRole = (typeof ROLES)[number];

/** A token of each role, and the lines that make a fleet's API know them. It listens on a free port. */
export function apiTokens(): {
  readonly tokenOf: (role: TestRole) => string;
  readonly config: NonNullable<FleetOptions['config']>;
} {
  const made = ROLES.map((role) => ({ role, ...makeToken() }));
  const tokens = made.map(({ role, sha256 }) => `{ name: ${role}, role: ${role}, sha256: ${sha256} }`);
  return {
    tokenOf: (role) => made.find((one) => one.role === role)?.token ?? '',
    config: [`api: { listen: "127.0.0.1:0", tokens: [${tokens.join(', ')}] }`],
  };
}

/** Where an API says that it listens. */
export function addressOf({ log }: Service): string {
  const address = /"address":"(http:[^"]+)"/.exec(log.join('\n'))?.[1];
  if (address === undefined) throw new Error(`no address:\n${log.join('\n')}`);
  return address;
}

export interface ServerSentEvent {
  readonly id: string;
  readonly event: string;
}

/** The events of a stream, as they come. */
export async function* eventsOf(response: Response): AsyncGenerator<ServerSentEvent, void, undefined> {
  let text = '';
  for await (const piece of (response.body ?? new ReadableStream()).pipeThrough(new TextDecoderStream())) {
    text += piece;
    for (let end = text.indexOf('\n\n'); end >= 0; end = text.indexOf('\n\n')) {
      const block = text.slice(0, end);
      text = text.slice(end + 2);
      const field = (name: string) => new RegExp(`^${name}: (.*)$`, 'm').exec(block)?.[1];
      const [id, event] = [field('id'), field('event')];
      if (id !== undefined && event !== undefined) yield { id, event };
    }
  }
}
