import { isMusterError, type MusterError } from '@muster/core';
import { z } from 'zod';

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

/** A refusal that a route decides on. */
export class Refusal extends Error {
  readonly problem: Problem;

  constructor(status: number, code: string, detail: string) {
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
};

function away(what: string): { readonly status: number; readonly detail: string } {
  return { status: 503, detail: `${what}. The log of the API says more.` };
}

/** The codes of what the HTTP server itself refuses. */
const HTTP: Readonly<Record<number, string>> = {
  400: 'invalid_request',
  413: 'too_large',
  414: 'too_large',
  415: 'unsupported_media_type',
  429: 'too_many_requests',
};

/** What an error becomes, whoever threw it; `internal` where it is Muster's own fault, and to be logged. */
export function problemFrom(error: unknown): Problem {
  if (error instanceof Refusal) return error.problem;
  if (isMusterError(error)) {
    const fault = FAULTS[error.code];
    if (fault !== undefined) return problemOf(fault.status, error.code, fault.detail ?? error.message);
  }
  if (isTimeout(error)) {
    return problemOf(503, 'timed_out', 'What is needed for it did not answer in time: /readyz tells more.');
  }
  const status =
    error instanceof Error && 'statusCode' in error && typeof error.statusCode === 'number'
      ? error.statusCode
      : 500;
  const code = HTTP[status];
  if (code !== undefined && error instanceof Error) return problemOf(status, code, error.message);
  return problemOf(500, 'internal', 'Muster itself failed; its log says more.');
}

/** A limit of ours, or the server's own. */
const isTimeout = (error: unknown): boolean =>
  error instanceof Error &&
  (error.name === 'TimeoutError' || ('code' in error && error.code === 'FST_ERR_HANDLER_TIMEOUT'));
