/**
 * The rooms of the house, top to bottom: a package may import only from packages above it, `scratch` and `evidence`
 * stand side by side, `drill` knows no queue, and services do not import each other.
 */
const mayImport = {
  core: [],
  telemetry: ['core'],
  s3: ['core'],
  evidence: ['core', 's3'],
  scratch: ['core'],
  engines: ['core', 'scratch'],
  backups: ['core', 's3', 'engines'],
  drill: ['core', 'telemetry', 'evidence', 'scratch', 'engines', 'backups'],
  restore: ['core', 'engines', 'backups'],
  queue: ['core', 'telemetry', 'evidence'],
  index: ['core', 'evidence'],
  producer: ['core', 'telemetry', 'evidence', 'queue'],
  worker: ['core', 'telemetry', 'backups', 'drill', 'queue'],
  sink: ['core', 'telemetry', 'evidence', 'queue', 'index'],
  api: ['core', 'telemetry', 'evidence', 'queue', 'index'],
  cli: [
    'core',
    'telemetry',
    's3',
    'evidence',
    'scratch',
    'engines',
    'backups',
    'drill',
    'restore',
    'queue',
    'index',
    'producer',
    'worker',
    'sink',
    'api',
  ],
};

const rooms = Object.entries(mayImport).map(([room, allowed]) => ({
  name: `${room}-imports-only-from-above`,
  severity: 'error',
  from: { path: `^packages/${room}/` },
  to: { path: '^packages/', pathNot: [room, ...allowed].map((name) => `^packages/${name}/`) },
}));

export default {
  forbidden: [
    ...rooms,
    {
      name: 'no-cycles',
      severity: 'error',
      from: {},
      to: { circular: true, dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'packages-by-their-face',
      comment: 'A package is imported by its name, never by a path into it.',
      severity: 'error',
      from: { path: '^packages/([^/]+)/' },
      to: { path: '^packages/([^/]+)/src/(?!index\\.ts)', pathNot: '^packages/$1/' },
    },
    { name: 'unresolved', severity: 'error', from: {}, to: { couldNotResolve: true } },
    {
      name: 'core-does-no-io',
      severity: 'error',
      from: { path: '^packages/core/src', pathNot: '\\.test\\.ts$' },
      to: { dependencyTypes: ['core'], pathNot: '^(node:)?crypto$' },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '/dist/' },
    tsPreCompilationDeps: true,
    enhancedResolveOptions: {
      conditionNames: ['muster-source', 'import', 'default'],
      extensions: ['.ts', '.js', '.mjs'],
      exportsFields: ['exports'],
    },
  },
};
