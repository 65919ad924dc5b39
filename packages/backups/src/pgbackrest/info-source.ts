/** A file of pgBackRest that says what is where: `backup.info`, `archive.info`, a manifest. */
export interface InfoSource {
  /** For people. */
  readonly name: string;
  readonly bytes: () => AsyncIterable<Buffer>;
  /** Of what is encrypted. */
  readonly passphrase: string | undefined;
}
