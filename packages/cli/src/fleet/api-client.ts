import {
  askedSchema,
  cancelSchema,
  drillListSchema,
  drillSchema,
  keyListSchema,
  problemSchema,
  sourceListSchema,
} from '@muster/api';
import { DRILL_ID, errnoOf, MusterError, type WrittenRestorePoint } from '@muster/core';
import { fleetEventSchema, type ToldEvent } from '@muster/queue';
import type { z } from 'zod';

type DrillList = z.infer<typeof drillListSchema>;

/** A fleet as its API tells of it. @throws `api_unavailable`, `api_refused`, `drill_not_found`, `usage`. */
export interface ApiClient {
  readonly url: string;
  /** Slugs. */
  sources(signal: AbortSignal): Promise<readonly string[]>;
  ask(asked: Asked, signal: AbortSignal): Promise<z.infer<typeof askedSchema>>;
  /** Every page. */
  drills(source: string | undefined, signal: AbortSignal): Promise<AllDrills>;
  drill(drillId: string, signal: AbortSignal): Promise<z.infer<typeof drillSchema>>;
  /** The bytes that are stored. */
  receipt(drillId: string, signal: AbortSignal): Promise<Uint8Array>;
  /** Public keys, as PEM. */
  keys(signal: AbortSignal): Promise<readonly string[]>;
  cancel(drillId: string, signal: AbortSignal): Promise<'cancelled' | 'stopping'>;
  /** What is told of a drill, from the first on; a stream that breaks off is taken up again. Ends with `stored`. */
  follow(drillId: string, signal: AbortSignal): AsyncGenerator<ToldEvent, void, undefined>;
}

interface AllDrills {
  readonly drills: DrillList['drills'];
  readonly open: NonNullable<DrillList['open']>;
}

interface Asked {
  readonly source: string;
  readonly restore_point: WrittenRestorePoint;
  readonly pool?: string;
}

const ANSWER_MS = 60_000;
const AGAIN_MS = 1_000;

/** The API that `MUSTER_API_URL` names, with the token of `MUSTER_API_TOKEN`; undefined where it names none. */
export function apiClient(env: Readonly<Record<string, string | undefined>>): ApiClient | undefined {
  const named = env['MUSTER_API_URL'];
  if (!named) return undefined;
  const url = addressIn(named);
  const send = sender(url, tokenIn(env['MUSTER_API_TOKEN'] ?? ''));
  const get = async <T>(schema: z.ZodType<T>, path: string, signal: AbortSignal): Promise<T> =>
    await parsed(schema, await send(path, {}, within(signal)));
  return {
    url,
    async sources(signal) {
      const slugs: string[] = [];
      for (let cursor = ''; ; ) {
        const page = await get(sourceListSchema, `sources?limit=1000${cursor}`, signal);
        slugs.push(...page.sources.map(({ slug }) => slug));
        if (page.next_cursor === undefined) return slugs;
        cursor = `&cursor=${page.next_cursor}`;
      }
    },
    async ask(asked, signal) {
      const body = { method: 'POST', body: JSON.stringify(asked) };
      const headers = { 'content-type': 'application/json', 'idempotency-key': crypto.randomUUID() };
      return await parsed(askedSchema, await send('drills', { ...body, headers }, within(signal)));
    },
    async drills(source, signal) {
      const of = source === undefined ? '' : `&source=${encodeURIComponent(source)}`;
      const first = await get(drillListSchema, `drills?limit=200${of}`, signal);
      const drills = [...first.drills];
      for (let next = first.next_cursor; next !== undefined; ) {
        const page = await get(drillListSchema, `drills?limit=200${of}&cursor=${next}`, signal);
        drills.push(...page.drills);
        next = page.next_cursor;
      }
      return { drills, open: first.open ?? [] };
    },
    drill: (drillId, signal) => get(drillSchema, pathOf(drillId), signal),
    receipt: async (drillId, signal) =>
      new Uint8Array(await (await send(`${pathOf(drillId)}/receipt`, {}, within(signal))).arrayBuffer()),
    keys: async (signal) => (await get(keyListSchema, 'keys', signal)).keys.map(({ pem }) => pem),
    async cancel(drillId, signal) {
      const answer = await send(`${pathOf(drillId)}/cancel`, { method: 'POST' }, within(signal));
      return (await parsed(cancelSchema, answer)).outcome;
    },
    async *follow(drillId, signal) {
      let last: string | undefined;
      while (!signal.aborted) {
        const headers = last === undefined ? {} : { 'last-event-id': last };
        const stream = await send(`${pathOf(drillId)}/events`, { headers }, signal);
        for await (const told of eventsOf(stream)) {
          last = told.id;
          yield told;
          if (told.event.type === 'stored') return;
        }
        const { state } = await this.drill(drillId, signal);
        if (state === 'ended') return;
        await new Promise((resolve) => setTimeout(resolve, AGAIN_MS));
      }
    },
  };
}

/** @throws `usage`, which does not repeat it: somebody may have put a password there. */
function addressIn(named: string): string {
  const url = URL.canParse(named) ? new URL(named) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol)) {
    throw new MusterError('usage', 'MUSTER_API_URL is no URL: it is like http://127.0.0.1:7655.');
  }
  if (url.username || url.password || url.search || url.hash) {
    throw new MusterError(
      'usage',
      'MUSTER_API_URL holds more than an address: it is like http://127.0.0.1:7655, and the token belongs into MUSTER_API_TOKEN.',
    );
  }
  if (/\/api(\/|$)/.test(url.pathname)) {
    throw new MusterError(
      'usage',
      'MUSTER_API_URL holds the path of the API, which is added to it: leave /api/v1 off, as in http://127.0.0.1:7655.',
    );
  }
  return `${url.origin}${url.pathname}`.replace(/\/+$/, '');
}

/** @throws `usage`: `fetch` would repeat it. */
function tokenIn(text: string): string {
  const token = text.trim();
  if (/^[\x21-\x7e]*$/.test(token)) return token;
  throw new MusterError('usage', 'MUSTER_API_TOKEN is no token: it has spaces, or characters that none has.');
}

const within = (signal: AbortSignal): AbortSignal =>
  AbortSignal.any([signal, AbortSignal.timeout(ANSWER_MS)]);

/** @throws `usage`: what is no id must not become a path. */
function pathOf(drillId: string): string {
  if (!DRILL_ID.test(drillId))
    throw new MusterError('usage', 'That is not the id of a drill: ids are drl_ and 26 characters.');
  return `drills/${drillId}`;
}

function sender(url: string, token: string) {
  return async (path: string, init: RequestInit, signal: AbortSignal): Promise<Response> => {
    const headers = { ...(token !== '' && { authorization: `Bearer ${token}` }), ...init.headers };
    const answer = await fetch(`${url}/api/v1/${path}`, {
      ...init,
      headers,
      signal,
      redirect: 'error',
    }).catch((cause: unknown) => {
      if (signal.aborted && signal.reason?.name !== 'TimeoutError')
        throw new MusterError('cancelled', 'It was cancelled.', { cause });
      const why = errnoOf(cause instanceof Error ? cause.cause : undefined) ?? 'no answer';
      throw new MusterError(
        'api_unavailable',
        `The API at ${url} is not reached (${why}): see whether muster api runs there, and MUSTER_API_URL.`,
        { cause },
      );
    });
    if (answer.ok) return answer;
    throw await refusal(url, token, answer);
  };
}

async function refusal(url: string, token: string, answer: Response): Promise<MusterError> {
  const body: unknown = await answer.json().catch(() => undefined);
  const problem = problemSchema.safeParse(body).data;
  const path = new URL(url).pathname === '/' ? '' : ' Leave the path off MUSTER_API_URL.';
  if (problem === undefined) {
    const said = `What answers at ${url} is no API of Muster (${answer.status}).`;
    return new MusterError('api_refused', `${said}${path}`);
  }
  if (problem.code === 'no_such_route') {
    const said = `The API at ${url} has nothing where this muster looks: is it of another version?`;
    return new MusterError('api_refused', path === '' ? said : `The API is not at ${url}.${path}`);
  }
  if (answer.status === 401) return new MusterError('api_refused', notAdmitted(url, token));
  const code = {
    drill_not_found: 'drill_not_found',
    not_under_way: 'drill_not_found',
    unknown_source: 'usage',
    unknown_pool: 'usage',
    unknown_check: 'usage',
    invalid_request: 'usage',
  } as const;
  return new MusterError(code[problem.code as keyof typeof code] ?? 'api_refused', problem.detail);
}

/** To have no token is another slip than to have one that nobody knows. */
const notAdmitted = (url: string, token: string): string =>
  token === ''
    ? `The API at ${url} takes a token, and none is given: put it into MUSTER_API_TOKEN.`
    : `The API at ${url} does not know the token in MUSTER_API_TOKEN: whoever runs it makes one with muster token generate, and puts its line into api.tokens.`;

async function parsed<T>(schema: z.ZodType<T>, answer: Response): Promise<T> {
  const read = schema.safeParse(await answer.json().catch(() => undefined));
  if (read.success) return read.data;
  throw new MusterError(
    'api_refused',
    `The API at ${new URL(answer.url).origin} answers what this muster does not understand: is it of another version?`,
  );
}

/** Server-sent events (WHATWG HTML, 9.2.6), those that this version knows. Ends where the stream does, however. */
async function* eventsOf(answer: Response): AsyncGenerator<ToldEvent, void, undefined> {
  let text = '';
  const pieces = (answer.body ?? new ReadableStream<Uint8Array<ArrayBuffer>>()).pipeThrough(
    new TextDecoderStream(),
  );
  try {
    for await (const piece of pieces) {
      text += piece;
      for (let end = text.indexOf('\n\n'); end >= 0; end = text.indexOf('\n\n')) {
        const told = toldEvent(text.slice(0, end));
        text = text.slice(end + 2);
        if (told !== undefined) yield told;
      }
    }
  } catch {
    // It broke off: whoever reads takes it up again.
  }
}

function toldEvent(block: string): ToldEvent | undefined {
  const field = (name: string): string | undefined => new RegExp(`^${name}: (.*)$`, 'm').exec(block)?.[1];
  const [id, data] = [field('id'), field('data')];
  if (id === undefined || data === undefined) return undefined;
  const { at, ...rest } = JSON.parse(data) as { readonly at: string };
  const event = fleetEventSchema.safeParse(rest).data;
  return event && { id, at: new Date(at), event };
}
