export type { ConfiguredCheck } from './config-match.js';
export { createDirectoryStore } from './directory-store.js';
export type { EvidenceStore } from './evidence-store.js';
export {
  type Keyring,
  type KeyringFault,
  type KeyringKey,
  type ListedKeys,
  listKeys,
  loadKeyring,
} from './keyring.js';
export {
  type EnsuredPrivateKey,
  ensurePrivateKey,
  generateKeyPair,
  type KeyPair,
  type KeyPaths,
  writeKeyPair,
} from './keys.js';
export { getListing, putListing } from './listings.js';
export { createSigner, signRestore } from './local-signer.js';
export { getPlan, parsePlan, putPlan } from './plans.js';
export { type LoadedPrivateKey, loadPrivateKey, type PrivateKeySource } from './private-key.js';
export {
  acknowledgeQuarantined,
  listQuarantine,
  putInQuarantine,
  type Quarantined,
  readQuarantineNotes,
} from './quarantine.js';
export { createS3Store, type S3StoreOptions } from './s3-store.js';
export type { Signer } from './signer.js';
export {
  type Verification,
  type VerifyExitCode,
  type VerifyOptions,
  type VerifyStep,
  type VerifyStepName,
  verifyReceipt,
} from './verify.js';
