export type { DrillIndex, DrillQuery, IndexedDrill, IndexedReceipt } from './drill-index.js';
