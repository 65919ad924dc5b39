interface TreeSpan {
  readonly spanId: string;
  readonly parentSpanId?: string | undefined;
  readonly name: string;
  /** Just for the order. */
  readonly startedAt: number;
  readonly errorType?: unknown;
}

/** One line a span, below its parent and indented, in the order of their beginnings; `name: error.type` where it failed. */
export function spanTree(spans: readonly TreeSpan[]): readonly string[] {
  const known = new Set(spans.map(({ spanId }) => spanId));
  const below = (parent: TreeSpan | undefined, indent: string): readonly string[] =>
    spans
      .filter(({ parentSpanId = '' }) =>
        parent === undefined ? !known.has(parentSpanId) : parentSpanId === parent.spanId,
      )
      .toSorted((a, b) => a.startedAt - b.startedAt)
      .flatMap((span) => [
        `${indent}${span.name}${span.errorType === undefined ? '' : `: ${span.errorType}`}`,
        ...below(span, `${indent}  `),
      ]);
  return below(undefined, '');
}
