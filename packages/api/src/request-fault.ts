import { z } from 'zod';

/** The parts of a request that routes have schemas for, as Fastify names them. */
const PARTS = { body: 'body', querystring: 'query', params: 'path', headers: 'headers' } as const;
type Part = keyof typeof PARTS;

/** A request, as much of it as is looked at to say what is wrong with it. */
export interface FaultyRequest {
  readonly body?: unknown;
  readonly query?: unknown;
  readonly params?: unknown;
  readonly headers?: unknown;
  readonly routeOptions: { readonly schema?: Partial<Readonly<Record<Part, unknown>>> | undefined };
}

/** What the type provider makes of an issue of zod. */
const issueSchema = z.object({
  keyword: z.string(),
  instancePath: z.string(),
  message: z.string(),
  params: z
    .object({
      expected: z.string().optional(),
      values: z.array(z.unknown()).optional(),
      keys: z.array(z.string()).optional(),
      origin: z.string().optional(),
      minimum: z.number().optional(),
      maximum: z.number().optional(),
    })
    .default({}),
});
type Issue = z.infer<typeof issueSchema>;

const faultSchema = z.object({
  validation: z.array(issueSchema).min(1),
  validationContext: z.enum(['body', 'querystring', 'params', 'headers']),
});

/** More of them nobody reads. */
const SHOWN = 5;

/**
 * What is wrong with a request by its schema, in a sentence that names each field and repeats nothing of what was sent but
 * plain names; undefined where that is not what the error is about.
 */
export function requestFault(error: unknown, request: FaultyRequest): string | undefined {
  const fault = faultSchema.safeParse(error).data;
  if (fault === undefined) return undefined;
  const part = fault.validationContext;
  const sent = {
    body: request.body,
    querystring: request.query,
    params: request.params,
    headers: request.headers,
  };
  const known = keysOf(request.routeOptions.schema?.[part]);
  const said = fault.validation.slice(0, SHOWN).map((issue) => sentenceOf(issue, sent[part], known));
  return `In the ${PARTS[part]}: ${said.join('; ')}.`;
}

function sentenceOf(issue: Issue, sent: unknown, known: readonly string[]): string {
  const path = issue.instancePath.split('/').filter((step) => step !== '');
  const where = path.map(showName).join('.');
  const { keys } = issue.params;
  if (keys !== undefined) {
    const unknown = `${keys.slice(0, SHOWN).map(showName).join(', ')} ${keys.length === 1 ? 'is' : 'are'} not known`;
    if (path.length > 0) return `${where}: ${unknown}`;
    return known.length === 0 ? unknown : `${unknown} (there are ${known.join(', ')})`;
  }
  if (valueAt(sent, path) === undefined) return where === '' ? 'there is none' : `${where} is missing`;
  return where === '' ? expectation(issue) : `${where}: ${expectation(issue)}`;
}

/** Where a schema has words of its own, those; else what zod found, in ours. */
function expectation({ keyword, message, params }: Issue): string {
  const { expected = '', values = [], origin = '', minimum, maximum } = params;
  switch (keyword) {
    case 'invalid_type':
      return `expected ${TYPES[expected] ?? expected}`;
    case 'invalid_value':
      return `expected ${values.map(String).join(' or ')}`;
    case 'too_small':
      return `expected ${amount(minimum, origin)} at least`;
    case 'too_big':
      return `expected ${amount(maximum, origin)} at most`;
    default:
      return message;
  }
}

function amount(count: number | undefined, origin: string): string {
  if (origin === 'array') return count === 1 ? '1 entry' : `${count} entries`;
  if (origin !== 'string') return String(count);
  return count === 1 ? '1 character' : `${count} characters`;
}

const TYPES: Readonly<Record<string, string>> = {
  string: 'text',
  int: 'a whole number',
  number: 'a number',
  boolean: 'true or false',
  array: 'a list',
  object: 'an object',
};

const keysOf = (schema: unknown): readonly string[] =>
  schema instanceof z.ZodObject ? Object.keys(schema.shape) : [];

/** What looks like more than a name is not repeated: somebody may have put a secret in the wrong place. */
const showName = (name: string): string => (/^[\w-]{1,64}$/.test(name) ? name : '(unprintable)');

function valueAt(sent: unknown, path: readonly string[]): unknown {
  return path.reduce<unknown>(
    (value, step) =>
      typeof value === 'object' && value !== null
        ? (value as Readonly<Record<string, unknown>>)[step]
        : undefined,
    sent ?? undefined,
  );
}
