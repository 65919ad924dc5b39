import { MusterError } from '@muster/core';
import type { Cli } from '../cli.js';
import { withFleet } from '../fleet/with-fleet.js';
import { loadConfig } from '../load-config.js';
import { EXIT } from '../problem.js';
import { nearest } from '../render/faults.js';
import { MARKS } from '../terminal/marks.js';

/** `muster config push`: faults are told here, before anything is sent. */
export async function configPush(cli: Cli): Promise<number> {
  const loaded = await loadConfig(cli);
  return await withFleet(cli, async ({ queues }, signal) => {
    const { output, environment } = cli;
    const answer = await queues.configs.push(loaded.document, signal);
    if (answer.type === 'refused') {
      const [first] = answer.faults;
      throw new MusterError(
        'config_invalid',
        `The producer refused it, being another version of Muster than this: ${first?.message ?? 'no reason given'}.`,
      );
    }
    output.result({ config_sha256: answer.digest }, () => [
      `${output.style[MARKS.pass.paint](MARKS.pass.mark)} ${nearest(loaded.file, environment.cwd)} is in force: ${answer.digest}`,
    ]);
    return EXIT.pass;
  });
}
