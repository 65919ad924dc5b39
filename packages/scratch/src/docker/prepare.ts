import { randomUUID } from 'node:crypto';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { MusterError, sha256 } from '@muster/core';
import { z } from 'zod';
import { cancelled, refuseIfAborted, within } from '../limit.js';
import type { Base, PrepareRequest } from '../scratch.js';
import type { Cell } from './cell.js';
import { type Daemon, type ImageFacts, reasonOf, silent } from './daemon.js';
import { execInCell } from './exec.js';

/** Finds or pulls the image, and asks it once what it holds. @throws `image_unavailable`, `launch_failed` */
export async function prepareBase(
  daemon: Daemon,
  stateDir: string,
  request: PrepareRequest,
  launchProbe: (image: ImageFacts) => Promise<Cell>,
  signal: AbortSignal,
): Promise<Base> {
  refuseIfAborted(signal, 'the preparation of the image');
  const image = (await findImage(daemon, request.image)) ?? (await pullImage(daemon, request, signal));
  return await probedBase(stateDir, request, image, launchProbe, signal);
}

/** How long a registry may take to say whether it has an image. */
export const REGISTRY_MS = 10_000;

/** The same of an image that is here; undefined where it would be pulled. @throws as {@link prepareBase} */
export async function inspectBase(
  daemon: Daemon,
  stateDir: string,
  request: PrepareRequest,
  launchProbe: (image: ImageFacts) => Promise<Cell>,
  signal: AbortSignal,
): Promise<Base | undefined> {
  refuseIfAborted(signal, 'the look at the image');
  const image = await findImage(daemon, request.image);
  if (image !== undefined) return await probedBase(stateDir, request, image, launchProbe, signal);
  try {
    await daemon.askRegistry(request.image, AbortSignal.any([signal, AbortSignal.timeout(REGISTRY_MS)]));
    return undefined;
  } catch (error) {
    if (signal.aborted) throw cancelled('the question to the registry');
    throw notToBeHad(request, reasonOf(error), error);
  }
}

async function probedBase(
  stateDir: string,
  request: PrepareRequest,
  image: ImageFacts,
  launchProbe: (image: ImageFacts) => Promise<Cell>,
  signal: AbortSignal,
): Promise<Base> {
  const facts = await recall(join(stateDir, 'probes'), sha256(`${image.id}\n${request.probe}`), () =>
    probe(request, () => launchProbe(image), signal),
  );
  return { isolation: 'docker', image: request.image, imageDigest: image.digest, facts };
}

/** @throws `launch_failed` where Docker does not answer */
export async function findImage(daemon: Daemon, reference: string): Promise<ImageFacts | undefined> {
  if (!REFERENCE.test(reference)) {
    throw new MusterError(
      'image_unavailable',
      `${JSON.stringify(reference)} is not the name of an image: give one such as postgres:17 in scratch.images`,
    );
  }
  try {
    return await daemon.image(reference);
  } catch (cause) {
    throw silent(cause);
  }
}

/** The letters of the distribution reference grammar, no more: it becomes part of a request's path. */
const REFERENCE = /^[A-Za-z0-9](?:[\w:@-]|\.(?!\.)|\/(?![./]))*$/;

async function pullImage(daemon: Daemon, request: PrepareRequest, signal: AbortSignal): Promise<ImageFacts> {
  try {
    await followPull(daemon, request, signal);
  } catch (error) {
    if (signal.aborted) throw cancelled('the pull of the image');
    throw notToBeHad(request, reasonOf(error), error);
  }
  const image = await findImage(daemon, request.image);
  if (image === undefined) throw notToBeHad(request, 'it was pulled but is not there');
  return image;
}

const notToBeHad = ({ image, remedy }: PrepareRequest, reason: string, cause?: unknown): MusterError =>
  new MusterError(
    'image_unavailable',
    `The image ${image} is not on the Docker host and cannot be pulled: ${reason}. ${remedy ?? remedyOf(image)}`,
    { cause },
  );

const remedyOf = (image: string): string =>
  `Pull or load it there (docker pull ${image}), name another with scratch.images, or build one from Debian packages with ` +
  'deploy/scratch-images/build-postgres.sh';

const pullEvent = z.object({
  status: z.string().optional(),
  id: z.string().optional(),
  error: z.string().optional(),
  progressDetail: z.object({ current: z.number().optional(), total: z.number().optional() }).optional(),
});

async function followPull(daemon: Daemon, request: PrepareRequest, signal: AbortSignal): Promise<void> {
  const layers = new Map<string, { readonly bytes: number; readonly totalBytes: number }>();
  const stream = await daemon.pull(request.image, signal);
  for await (const line of createInterface({ input: stream, crlfDelay: Number.POSITIVE_INFINITY })) {
    if (line.trim() === '') continue;
    const event = pullEvent.parse(JSON.parse(line));
    if (event.error !== undefined) throw new Error(event.error);
    const { current = 0, total = 0 } = event.progressDetail ?? {};
    // Unpacking counts its bytes anew, under the same layer.
    if (event.id === undefined || event.status !== 'Downloading' || total <= 0) continue;
    layers.set(event.id, { bytes: current, totalBytes: total });
    const all = [...layers.values()];
    request.onPull?.({
      bytes: all.reduce((sum, layer) => sum + layer.bytes, 0),
      totalBytes: all.reduce((sum, layer) => sum + layer.totalBytes, 0),
    });
  }
  refuseIfAborted(signal, 'the pull of the image');
}

const PROBE_MS = 60_000;

async function probe(
  request: PrepareRequest,
  launch: () => Promise<Cell>,
  signal: AbortSignal,
): Promise<string> {
  const cell = await launch();
  try {
    const run = execInCell(cell, { argv: ['/bin/sh', '-c', request.probe] }, signal);
    const result = await within(PROBE_MS, `the question what is in the image ${request.image}`, run);
    if (result.exitCode === 0) return result.stdout;
    throw new MusterError(
      'image_unavailable',
      `The image ${request.image} does not hold what is needed: the question what is in it ended with ${result.exitCode}. ` +
        'Name another image with scratch.images',
      { output: result.stderr },
    );
  } finally {
    await cell.end({ reason: 'scratch_lost', detail: 'the probe is over' });
  }
}

const remembered = z.strictObject({ facts: z.string() });

/** What cannot be read is asked again, and what cannot be written is not remembered. */
async function recall(directory: string, key: string, ask: () => Promise<string>): Promise<string> {
  const path = join(directory, `${key.replace(':', '-')}.json`);
  try {
    return remembered.parse(JSON.parse(await readFile(path, 'utf8'))).facts;
  } catch {
    // Never asked, or not remembered well.
  }
  const facts = await ask();
  const unfinished = `${path}.${randomUUID()}`;
  await mkdir(directory, { recursive: true, mode: 0o700 })
    .then(() => writeFile(unfinished, JSON.stringify({ facts }), { mode: 0o600 }))
    .then(() => rename(unfinished, path))
    .catch(() => {});
  return facts;
}
