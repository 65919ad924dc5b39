/**
 * Bytes that each step between a place and a tool holds. A dump flows through several of them: with Node's own 64 KiB each
 * piece is one more turn of the loop, and with megabytes a worker's memory grows with every step.
 */
export const FLOW_BUFFER_BYTES = 128 * 1024;
