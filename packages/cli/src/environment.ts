/** What a command takes from the process around it, passed in so that tests can choose it. */
export interface Environment {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  readonly home: string;
  readonly uid: number;
  readonly hostname: string;
  readonly now: () => Date;
}
