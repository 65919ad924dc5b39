/** Every span that Muster makes, as docs/telemetry.md lists them. */
export const SPANS = {
  /** A schedule is due: the producer's root. */
  tick: 'tick',
  /** A drill is asked for: its plan stored, its job queued. Its tries are children of this. */
  request: 'drill request',
  /** One try of one worker. */
  attempt: 'drill attempt',
  sign: 'sign',
  /** A worker hands its receipt to the sink. */
  publish: 'publish',
  /** The sink has a receipt: verified, stored, indexed. */
  store: 'receipt store',
  index: 'index',
  /** A take is asked for: noted, its job queued. Its tries are children of this. */
  takeRequest: 'take request',
  /** One try of one worker, to take a backup. */
  takeAttempt: 'take attempt',
  /** What is due to go, after a take. */
  prune: 'prune',
  /** `muster drill run`: one drill without a fleet. */
  run: 'drill run',
} as const;

/** The id is that of the configuration, as a route is that of an HTTP server: few names, and the slow one is seen at once. */
export const checkSpan = (checkId: string): string => `check ${checkId}`;

/** A phase of a take: survey, sweep, dump, examine, publish. */
export const takePhaseSpan = (phase: string): string => `take ${phase}`;

/**
 * Attributes: those of the semantic conventions of OpenTelemetry where they have one, else `muster.*`. Their values are
 * ids, codes and numbers: never the text of a check, data, a URI, or what a tool said.
 */
export const ATTRIBUTES = {
  db: 'db.system.name',
  errorType: 'error.type',
  messagingSystem: 'messaging.system',
  destination: 'messaging.destination.name',
  operation: 'messaging.operation.type',
  messageId: 'messaging.message.id',
  drill: 'muster.drill.id',
  take: 'muster.take.id',
  source: 'muster.source',
  pool: 'muster.pool',
  schedule: 'muster.schedule',
  attempt: 'muster.attempt',
  worker: 'muster.worker',
  phase: 'muster.phase',
  check: 'muster.check.id',
  /** Of a try, as in the attempts of a receipt: pass, fail, error, lost, returned. */
  outcome: 'muster.outcome',
  /** Of a check, or of a receipt. */
  verdict: 'muster.verdict',
  reason: 'muster.reason',
} as const;
