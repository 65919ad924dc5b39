import { ensureGoProgram } from './go-program.ts';

/** An S3 server over a directory, with conditional writes, versions and Object Lock. */
export const ensureVersitygw = (): Promise<string | undefined> =>
  ensureGoProgram({
    name: 'versitygw',
    version: 'v1.8.0',
    path: 'github.com/versity/versitygw/cmd/versitygw',
  });
