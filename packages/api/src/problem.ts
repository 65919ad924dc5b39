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

/** What Muster's own faults are in HTTP; all others are nobody's business outside. */
const STATUS: Partial<Readonly<Record<MusterError['code'], number>>> = {
  usage: 400,
  not_supported_yet: 400,
  drill_not_found: 404,
  evidence_not_found: 404,
  redis_unavailable: 503,
  redis_unsuitable: 503,
  index_unavailable: 503,
  producer_unavailable: 503,
  evidence_unwritable: 503,
};

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
    const status = STATUS[error.code];
    if (status !== undefined) return problemOf(status, error.code, error.message);
  }
  const status =
    error instanceof Error && 'statusCode' in error && typeof error.statusCode === 'number'
      ? error.statusCode
      : 500;
  const code = HTTP[status];
  if (code !== undefined && error instanceof Error) return problemOf(status, code, error.message);
  return problemOf(500, 'internal', 'Muster itself failed; its log says more.');
}
