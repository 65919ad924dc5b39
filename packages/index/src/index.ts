export type { DrillIndex, DrillQuery, IndexedDrill, IndexedReceipt } from './drill-index.js';
export { openEmbeddedIndex } from './embedded-index.js';
export { openPostgresIndex, probePostgresIndex } from './postgres-index.js';
export { type RebuildPorts, type Rebuilt, type Refused, rebuildIndex } from './rebuild-index.js';
