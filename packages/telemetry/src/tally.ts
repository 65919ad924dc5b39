import type { Predicate } from '@muster/core';
import { METRICS, SECONDS_BUCKETS } from './metric-names.js';

/** What of each drill is added up for the whole fleet, as its receipt has it. */
const TALLIED = {
  drills: METRICS.drills,
  takes: METRICS.takes,
  phaseDuration: METRICS.phaseDuration,
  checkDuration: METRICS.checkDuration,
} as const;
type Tallied = keyof typeof TALLIED;

/** At /metrics the fleet's own sums stand for these, not those of the process that serves it. */
export const TALLIED_NAMES: ReadonlySet<string> = new Set(Object.values(TALLIED).map(({ name }) => name));

/**
 * What a receipt adds to the sums of the fleet, by `<metric>|<values of its attributes>|<part>`: the part is `total`, or of
 * a histogram `sum`, and `le:<bound>` of the one bucket that a duration falls into.
 */
export function tallyOf({ source, result, reason, phases, checks }: Predicate): ReadonlyMap<string, number> {
  const sums = new Map<string, number>();
  const add = (metric: Tallied, values: readonly string[], part: string, amount: number): void => {
    const name = `${metric}|${values.join(',')}|${part}`;
    sums.set(name, (sums.get(name) ?? 0) + amount);
  };
  const took = (metric: Tallied, values: readonly string[], ms: number): void => {
    const bound = SECONDS_BUCKETS.find((most) => ms / 1000 <= most);
    add(metric, values, `le:${bound ?? '+Inf'}`, 1);
    add(metric, values, 'sum', ms / 1000);
  };
  add('drills', [result, reason ?? 'none', source.kind], 'total', 1);
  for (const { name, outcome, duration_ms: ms } of phases)
    took('phaseDuration', [name, outcome, source.kind], ms);
  for (const { verdict, duration_ms: ms } of checks)
    if (ms !== undefined) took('checkDuration', [verdict, source.kind], ms);
  return sums;
}

/** What a take that ended adds to them. */
export const tallyOfTake = (
  outcome: string,
  reason: string | undefined,
  kind: string,
): ReadonlyMap<string, number> => new Map([[`takes|${outcome},${reason ?? 'none'},${kind}|total`, 1]]);

const FIELD = /^(\w+)\|([\w,]+)\|(total|sum|le:[\d.]+|le:\+Inf)$/;
const BOUNDS = [...SECONDS_BUCKETS.map(String), '+Inf'];

/** The sums in the text format of Prometheus, 0.0.4. What is no sum of Muster is passed over. */
export function tallyText(sums: ReadonlyMap<string, number>): string {
  const series = Map.groupBy(
    [...sums].flatMap(([field, sum]) => {
      const [, metric = '', values = '', part = ''] = FIELD.exec(field) ?? [];
      return Object.hasOwn(TALLIED, metric) && Number.isFinite(sum)
        ? [{ metric: metric as Tallied, values, part, sum }]
        : [];
    }),
    ({ metric }) => metric,
  );
  return [...series].flatMap(([metric, parts]) => metricLines(metric, parts)).join('');
}

interface Part {
  readonly values: string;
  readonly part: string;
  readonly sum: number;
}

function metricLines(metric: Tallied, parts: readonly Part[]): readonly string[] {
  const { kind, unit, name, description, attributes } = TALLIED[metric];
  const exposed = `${name.replaceAll('.', '_')}${unit === 's' ? '_seconds' : '_total'}`;
  const sorted = parts.toSorted((a, b) => (a.values < b.values ? -1 : 1));
  const lines = [...Map.groupBy(sorted, ({ values }) => values)].flatMap(([values, own]) => {
    const given = values.split(',');
    const labels = attributes.map((attribute, index) => `${attribute}="${given[index] ?? ''}"`).join(',');
    const sums = new Map(own.map(({ part, sum }) => [part, sum]));
    return kind === 'counter'
      ? [`${exposed}{${labels}} ${sums.get('total') ?? 0}\n`]
      : histogramLines(exposed, labels, sums);
  });
  return [`# HELP ${exposed} ${description}\n`, `# TYPE ${exposed} ${kind}\n`, ...lines];
}

function histogramLines(name: string, labels: string, sums: ReadonlyMap<string, number>): readonly string[] {
  let count = 0;
  const buckets = BOUNDS.map((bound) => {
    count += sums.get(`le:${bound}`) ?? 0;
    return `${name}_bucket{${labels},le="${bound}"} ${count}\n`;
  });
  return [
    ...buckets,
    `${name}_sum{${labels}} ${sums.get('sum') ?? 0}\n`,
    `${name}_count{${labels}} ${count}\n`,
  ];
}
