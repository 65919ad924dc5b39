import { ensureGoProgram } from './go-program.ts';

/** The verifier that Muster did not write. */
export const ensureCosign = (): Promise<string | undefined> =>
  ensureGoProgram({ name: 'cosign', version: 'v3.1.3', path: 'github.com/sigstore/cosign/v3/cmd/cosign' });
