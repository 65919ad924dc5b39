import {
  type FidelityDatabase,
  type FidelityDifference,
  type FidelityManifest,
  type FidelityRecord,
  fidelityUnavailable,
  MOST_NAMED,
  type NotCompared,
  type Unavailable,
} from './fidelity.js';

/** What two manifests of one database come to, filled as they are gone through. */
interface Comparing {
  readonly differences: FidelityDifference[];
  readonly notCompared: NotCompared[];
  readonly compared: {
    tables: number;
    contents: number;
    sequences: number;
    objects: number;
    sentinels: number;
  };
  rows: bigint;
}

/**
 * Holds what was recorded in the scratch against what was recorded when the backup was taken. Everything that was compared
 * is equal (`equal`), or something is not (`different`); where nothing could be compared it is `unavailable`. What was not
 * compared is named.
 */
export function compareFidelity(expected: FidelityManifest, found: FidelityManifest): FidelityRecord {
  if (expected.version !== found.version) return fidelityUnavailable('other_version');
  const state: Comparing = {
    differences: [],
    notCompared: [...distinct([...expected.unavailable, ...found.unavailable])],
    compared: { tables: 0, contents: 0, sequences: 0, objects: 0, sentinels: 0 },
    rows: 0n,
  };
  const sameParts = (expected.definitions ?? 1) === (found.definitions ?? 1);
  const sameDefinitions = sameParts && expected.major === found.major;
  if (!sameDefinitions) state.notCompared.push({ what: 'definitions', reason: 'other_version' });
  const sameText = writesAllDigits(expected) === writesAllDigits(found);
  if (!sameText && expected.level === 'full')
    state.notCompared.push({ what: 'content', reason: 'other_version' });
  const comparison = { state, sameParts, sameDefinitions, sameText, expected, found };
  for (const [one, other] of pairs(expected, found, state)) compareDatabase(one, other, comparison);
  return recordOf(expected.level, state);
}

/**
 * PostgreSQL before 12 writes a float with 17 digits, and later ones with as few as tell it apart: the text of a row is
 * another, and so its digest. (No MongoDB has such a number.)
 */
const writesAllDigits = ({ major }: FidelityManifest): boolean => major < 12;

function recordOf(level: FidelityManifest['level'], state: Comparing): FidelityRecord {
  const { differences, notCompared, compared, rows } = state;
  const nothing = Object.values(compared).every((count) => count === 0);
  const named = {
    ...(notCompared.length > 0 && { not_compared: notCompared.slice(0, MOST_NAMED) }),
    ...(notCompared.length > MOST_NAMED && { more_not_compared: notCompared.length - MOST_NAMED }),
  };
  if (differences.length === 0 && nothing) {
    return { verdict: 'unavailable', reason: notCompared[0]?.reason ?? 'failed', level, ...named };
  }
  return {
    verdict: differences.length > 0 ? 'different' : 'equal',
    level,
    compared: { ...compared, rows: String(rows) },
    ...(differences.length > 0 && { differences: differences.slice(0, MOST_NAMED) }),
    ...(differences.length > MOST_NAMED && { more: differences.length - MOST_NAMED }),
    ...named,
  };
}

/** Databases by their names; where there is one of each, a dump that does not tell its name has brought it back under another. */
function* pairs(
  expected: FidelityManifest,
  found: FidelityManifest,
  { differences, notCompared }: Comparing,
): Generator<readonly [FidelityDatabase, FidelityDatabase]> {
  const [only] = expected.databases;
  const [other] = found.databases;
  if (
    only !== undefined &&
    other !== undefined &&
    expected.databases.length === 1 &&
    found.databases.length === 1
  ) {
    yield [only, other];
    return;
  }
  const unread = new Set(found.unavailable.map(({ what }) => what));
  const there = new Map(found.databases.map((database) => [database.name, database]));
  for (const database of expected.databases) {
    const { name } = database;
    const restored = there.get(name);
    if (restored !== undefined) yield [database, restored];
    else if (unread.has(name)) notCompared.push({ what: name, reason: 'failed' });
    else differences.push({ database: name, what: 'database', name, difference: 'missing' });
  }
}

interface Comparison {
  readonly state: Comparing;
  /** Both list the same kinds of objects. */
  readonly sameParts: boolean;
  readonly sameDefinitions: boolean;
  /** Rows are the same text at both. */
  readonly sameText: boolean;
  readonly expected: FidelityManifest;
  readonly found: FidelityManifest;
}

function compareDatabase(one: FidelityDatabase, other: FidelityDatabase, comparison: Comparison): void {
  compareTables(one, other, comparison);
  compareSequences(one, other, comparison);
  compareExtensions(one, other, comparison);
  compareObjects(one, other, comparison);
  compareSentinels(one, other, comparison);
}

/** Whether all of a kind was listed, so that what is not listed was not there. */
const isWhole = ({ unavailable }: FidelityManifest, what: string): boolean =>
  unavailable.every((one) => one.what !== what);

function compareTables(
  { name: database, tables }: FidelityDatabase,
  { tables: others }: FidelityDatabase,
  { state, sameText, expected, found }: Comparison,
): void {
  const there = new Map(others.map((table) => [table.name, table]));
  const differ = (name: string, rest: Pick<FidelityDifference, 'difference' | 'expected' | 'found'>) =>
    state.differences.push({ database, what: 'table', name, ...rest });
  for (const table of tables) {
    const { name } = table;
    const restored = there.get(name);
    there.delete(name);
    if (restored === undefined) {
      if (isWhole(found, 'tables')) differ(name, { difference: 'missing' });
      else state.notCompared.push({ what: name, reason: 'failed' });
      continue;
    }
    const reason = table.unavailable ?? restored.unavailable;
    if (reason !== undefined) state.notCompared.push({ what: name, reason });
    if (table.rows === undefined || restored.rows === undefined) continue;
    state.compared.tables += 1;
    state.rows += BigInt(table.rows);
    const equalRows = BigInt(table.rows) === BigInt(restored.rows);
    if (!equalRows) differ(name, { difference: 'rows', expected: table.rows, found: restored.rows });
    if (!sameText) continue;
    if (table.sha256 === undefined || restored.sha256 === undefined) {
      if (reason === undefined && expected.level === 'full' && isWhole(expected, 'content'))
        state.notCompared.push({ what: name, reason: 'unsupported' });
      continue;
    }
    state.compared.contents += 1;
    if (equalRows && table.sha256 !== restored.sha256) differ(name, { difference: 'content' });
  }
  if (isWhole(expected, 'tables'))
    for (const name of there.keys()) differ(name, { difference: 'unexpected' });
}

function compareSequences(
  { name: database, sequences }: FidelityDatabase,
  { sequences: others }: FidelityDatabase,
  { state, expected, found }: Comparison,
): void {
  const there = new Map(others.map((sequence) => [sequence.name, sequence]));
  for (const { name, low, high } of sequences) {
    const restored = there.get(name);
    if (restored === undefined) {
      if (isWhole(found, 'sequences') && isWhole(found, name))
        state.differences.push({ database, what: 'sequence', name, difference: 'missing' });
      continue;
    }
    state.compared.sequences += 1;
    if (BigInt(restored.low) < BigInt(low) || BigInt(restored.high) > BigInt(high))
      state.differences.push({ database, what: 'sequence', name, difference: 'value' });
  }
  const known = new Set(sequences.map(({ name }) => name));
  if (!isWhole(expected, 'sequences')) return;
  for (const name of there.keys())
    if (!known.has(name) && isWhole(expected, name))
      state.differences.push({ database, what: 'sequence', name, difference: 'unexpected' });
}

/** No dump tells the version of an extension: another is named, and no difference. */
function compareExtensions(
  { name: database, extensions }: FidelityDatabase,
  { extensions: others }: FidelityDatabase,
  { state, found }: Comparison,
): void {
  if (!isWhole(found, 'extensions')) return;
  const there = new Map(others.map((extension) => [extension.name, extension.version]));
  for (const { name, version } of extensions) {
    if (!there.has(name))
      state.differences.push({ database, what: 'extension', name, difference: 'missing' });
    else if (there.get(name) !== version) state.notCompared.push({ what: name, reason: 'other_version' });
  }
}

function compareObjects(
  { name: database, objects }: FidelityDatabase,
  { objects: others }: FidelityDatabase,
  { state, sameParts, sameDefinitions, expected, found }: Comparison,
): void {
  const keyed = (one: FidelityDatabase['objects'][number]) => [`${one.part} ${one.name}`, one] as const;
  const there = new Map(others.map(keyed));
  const differ = (part: string, name: string, difference: FidelityDifference['difference']) =>
    state.differences.push({ database, what: 'object', part, name, difference });
  for (const [key, { part, name, sha256 }] of objects.map(keyed)) {
    const restored = there.get(key);
    there.delete(key);
    if (!isWhole(found, part) || !isWhole(found, 'objects')) continue;
    state.compared.objects += 1;
    if (restored === undefined) differ(part, name, 'missing');
    else if (sameDefinitions && restored.sha256 !== sha256) differ(part, name, 'definition');
  }
  if (!sameParts || !isWhole(expected, 'objects')) return;
  for (const { part, name } of there.values()) if (isWhole(expected, part)) differ(part, name, 'unexpected');
}

function compareSentinels(
  { name: database, sentinels }: FidelityDatabase,
  { sentinels: others }: FidelityDatabase,
  { state, sameText }: Comparison,
): void {
  const there = new Map(others.map((sentinel) => [sentinel.key_sha256, sentinel]));
  const unpaired = (table: string, reason: Unavailable) => state.notCompared.push({ what: table, reason });
  for (const { table: name, key_sha256: key, sha256, unavailable } of sentinels) {
    const restored = there.get(key);
    there.delete(key);
    const reason = restored === undefined ? 'not_asked' : (unavailable ?? restored.unavailable);
    if (restored === undefined || reason !== undefined) {
      unpaired(name, reason ?? 'failed');
      continue;
    }
    const isBoth = sha256 !== undefined && restored.sha256 !== undefined;
    if (isBoth && !sameText) {
      unpaired(name, 'other_version');
      continue;
    }
    state.compared.sentinels += 1;
    if (sha256 === restored.sha256) continue;
    const difference =
      sha256 === undefined ? 'unexpected' : restored.sha256 === undefined ? 'missing' : 'content';
    state.differences.push({ database, what: 'sentinel', name, difference });
  }
  for (const { table } of there.values()) unpaired(table, 'not_asked');
}

const distinct = (all: readonly NotCompared[]): Iterable<NotCompared> =>
  new Map(all.map((one) => [`${one.reason} ${one.what}`, one])).values();
