import { isMusterError, type MusterError } from '@muster/core';
import { z } from 'zod';
import { type FaultyRequest, requestFault } from './request-fault.js';

/** Problem details (RFC 9457). `code` is what programs look at, `detail` is for people. */
export const problemSchema = z
  .strictObject({
    type: z.string(),
    title: z.string(),
    status: z.int(),
    detail: z.string(),
    code: z.string(),
  })
  .describe('Problem details (RFC 9457).');
export type Problem = z.infer<typeof problemSchema>;

/** What the API itself refuses. */
const REFUSALS = [
  'invalid_request',
  'unauthorized',
  'unknown_token',
  'forbidden',
  'no_such_route',
  'unknown_source',
  'unknown_check',
  'unknown_schedule',
  'unknown_pool',
  'not_taken',
  'take_overrun',
  'no_receipt_yet',
  'not_under_way',
  'key_reused',
  'too_many_streams',
  'switched_off',
  'not_possible',
] as const;

/** A refusal that a route decides on. */
export class Refusal extends Error {
  readonly problem: Problem;

  constructor(status: number, code: (typeof REFUSALS)[number], detail: string) {
    super(detail);
    this.problem = problemOf(status, code, detail);
  }
}

const problemOf = (status: number, code: string, detail: string): Problem => ({
  type: `urn:muster:problem:${code}`,
  title: code.replaceAll('_', ' '),
  status,
  detail,
  code,
});

/**
 * What Muster's own faults are in HTTP; all others are nobody's business outside. Where a message may name hosts and paths,
 * there are other words for it: it is for the log.
 */
const FAULTS: Partial<
  Readonly<Record<MusterError['code'], { readonly status: number; readonly detail?: string }>>
> = {
  usage: { status: 400 },
  not_supported_yet: { status: 400 },
  drill_not_found: { status: 404 },
  take_not_found: { status: 404 },
  evidence_not_found: { status: 404, detail: 'The evidence store does not have it.' },
  redis_unavailable: away('Redis did not answer: see whether it runs and is reached'),
  redis_unsuitable: away('This Redis is not fit for a fleet'),
  index_unavailable: away('The index did not answer: see whether it runs and is reached'),
  evidence_unwritable: away('The evidence store did not do it: see whether it is reached'),
  evidence_malformed: {
    status: 500,
    detail: 'What lies in the evidence store is not what was put there. The log of the API says more.',
  },
  producer_unavailable: { status: 503 },
  key_unreadable: away('The keyring has no public key that can be read'),
  key_invalid: away('The keyring is no public key'),
};

function away(what: string): { readonly status: number; readonly detail: string } {
  return { status: 503, detail: `${what}. The log of the API says more.` };
}

/** What the HTTP server itself refuses: it has words of its own, which are not for those who ask. */
const HTTP: Readonly<Record<number, { readonly code: string; readonly detail: string }>> = {
  400: { code: 'invalid_request', detail: 'The request is not as it is described in /docs.' },
  413: { code: 'too_large', detail: 'The body is too large: see /docs for how little is needed.' },
  414: { code: 'too_large', detail: 'The path is too long: no id and no name is of that length.' },
  415: {
    code: 'unsupported_media_type',
    detail: 'The body is to be JSON, and to say so: Content-Type: application/json.',
  },
  429: {
    code: 'too_many_requests',
    detail: 'Too many requests: the header Retry-After says when to come again.',
  },
};

/** Where more is known of it. */
const HTTP_DETAILS: Readonly<Record<string, string>> = {
  FST_ERR_CTP_INVALID_JSON_BODY: 'The body is not JSON.',
  FST_ERR_CTP_EMPTY_JSON_BODY:
    'There is no body, and Content-Type says that it is JSON: send one, or leave that off.',
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: 'The body is not as long as Content-Length says.',
  FST_ERR_BAD_URL: 'The path has a % that does not encode a character.',
};

/** Every `code` that a problem may have. */
export const PROBLEM_CODES: ReadonlySet<string> = new Set([
  ...REFUSALS,
  ...Object.keys(FAULTS),
  ...Object.values(HTTP).map(({ code }) => code),
  'timed_out',
  'internal',
]);

/** What an error becomes, whoever threw it; `internal` where it is Muster's own fault, and to be logged. */
export function problemFrom(error: unknown, request?: FaultyRequest): Problem {
  if (error instanceof Refusal) return error.problem;
  if (isMusterError(error)) {
    const fault = FAULTS[error.code];
    if (fault !== undefined) return problemOf(fault.status, error.code, fault.detail ?? error.message);
  }
  if (isTimeout(error)) {
    return problemOf(503, 'timed_out', 'What is needed for it did not answer in time: /readyz tells more.');
  }
  const { statusCode = 500, code = '' } = serverErrorSchema.safeParse(error).data ?? {};
  const refused = HTTP[statusCode];
  if (refused === undefined) return problemOf(500, 'internal', 'Muster itself failed; its log says more.');
  const detail = (request && requestFault(error, request)) ?? HTTP_DETAILS[code] ?? refused.detail;
  return problemOf(statusCode, refused.code, detail);
}

const serverErrorSchema = z.object({
  statusCode: z.number().optional().catch(undefined),
  code: z.string().optional().catch(undefined),
});

/** A limit of ours, or the server's own. */
const isTimeout = (error: unknown): boolean =>
  error instanceof Error &&
  (error.name === 'TimeoutError' || ('code' in error && error.code === 'FST_ERR_HANDLER_TIMEOUT'));
