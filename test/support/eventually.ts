/** Asks again, every 25 ms, until the answer is `true`; for what gives no event (a process table, a file system). */
export async function eventually(
  what: string,
  ask: () => boolean | Promise<boolean>,
  limitMs = 15_000,
): Promise<void> {
  const end = Date.now() + limitMs;
  while (!(await ask())) {
    if (Date.now() > end) throw new Error(`not within ${limitMs} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
}
