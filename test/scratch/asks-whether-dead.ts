import { isProvenDead, parseWorker } from '../../packages/scratch/src/worker-identity.js';

// `asks-whether-dead.ts IDENTITY`: prints what this process can say of another.

const worker = parseWorker(process.argv[2] ?? '');
process.stdout.write(worker && isProvenDead(worker) ? 'dead' : 'not proven dead');
