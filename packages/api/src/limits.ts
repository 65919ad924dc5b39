/** Whoever asks has an answer within so long, whatever is away. Redis itself is given 8 s. */
export const ANSWER_MS = 9_500;

/** For one question to the index or to the evidence store. */
export const looking = (): AbortSignal => AbortSignal.timeout(8_000);

/** What pages are made of may take its time to those who are far. */
export const ASSET_MS = 120_000;
