export {
  type Artefact,
  BACKUP_MOUNT,
  type DirectoryArtefact,
  type DumpArtefact,
  type FileArtefact,
  type FileBeside,
  type Flow,
  type FlowArtefact,
  type RepositorySet,
  type StreamArtefact,
} from './artefact.js';
export { askChecks, type ChecksToAsk, notRun } from './ask-checks.js';
export { readBackup, readingError } from './bytes/feed.js';
export { FLOW_BUFFER_BYTES } from './bytes/flow-buffer.js';
export { HeadReader } from './bytes/head-reader.js';
export { cutShort, Pieces } from './bytes/pieces.js';
export { openRegular, readBeginning } from './bytes/regular-file.js';
export { shareFlow } from './bytes/share-flow.js';
export type * from './engine.js';
export { attachTo, engineOf, liveDumperOf, targetOf } from './engines.js';
export { backupChanged, changed } from './examine/change.js';
export { digestFilesOf, LONGEST_DIGESTS } from './examine/digest-file.js';
export type * from './examine/examined.js';
export type * from './live/live-dumper.js';
export { type RunHere, runHere } from './live/tool-dump.js';
export { mongodbEngine } from './mongodb/engine.js';
export { mongodbLiveDumper } from './mongodb/live/live.js';
export { postgresEngine } from './postgres/engine.js';
export { parseConnectionUri } from './postgres/live/connection-uri.js';
export { postgresLiveDumper } from './postgres/live/live.js';
export { isPgbackrestFacts, type PgbackrestFacts } from './postgres/pgbackrest/pgbackrest-facts.js';
export type { RecoveryTarget } from './postgres/pgbackrest/recovery-log.js';
export { faultsIn } from './postgres/pgbackrest/tool-faults.js';
export { readArchivedSegment } from './postgres/pgbackrest/wal-archive.js';
export { type StandInStanza, standInStanza } from './postgres/rehearse/stanza.js';
export { postgresToolIn } from './postgres/target/image-tool.js';
export type { Scripts, SeededRow, StandIn } from './rehearse/stand-in.js';
export { scriptsOf, standInAt } from './rehearse/stand-ins.js';
export { restoreWhileExamining } from './restore/while-examining.js';
export type {
  BackupToAdmit,
  Finished,
  FinishOptions,
  TargetDriver,
  TargetRestore,
  TargetSurvey,
} from './target/target.js';
export { hostTools, restoreJobs, type ToolRunner, toolsWithImage } from './target/tool-runner.js';
