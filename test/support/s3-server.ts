import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import {
  CreateBucketCommand,
  PutBucketVersioningCommand,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import { eventually } from './eventually.ts';
import { findProgram } from './find-program.ts';
import { freePort } from './free-port.ts';
import { requirement } from './requirement.ts';

const versitygw = process.env['MUSTER_TEST_VERSITYGW'] ?? findProgram('versitygw');

/** Asked once a file. */
export const canServeS3 = (): boolean =>
  requirement(
    'versitygw',
    versitygw !== undefined,
    'go install github.com/versity/versitygw/cmd/versitygw@latest',
  );

/** Objects that are put at once. */
const LANES = 16;
/** Planted: what looks for secrets finds them. */
export const S3_KEY = { accessKeyId: 'PLANTED-s3_key', secretAccessKey: 'PLANTED-s3_secret' } as const;

/** The `s3:` of a configuration that reaches it there, with the keys that {@link S3_ENV} holds. */
export const s3Access = (endpoint: string): string =>
  `{ endpoint: "${endpoint}", access_key_id: env:S3_ID, secret_access_key: env:S3_SECRET }`;
export const S3_ENV = { S3_ID: S3_KEY.accessKeyId, S3_SECRET: S3_KEY.secretAccessKey } as const;

/** A real S3 server on loopback, over a directory of its own. */
export interface S3Server {
  readonly endpoint: string;
  /** For what is no work of Muster's. */
  readonly client: S3Client;
  /** Where the objects lie as files: `<bucket>/<key>`. */
  readonly directory: string;
  /** Versioned where the server has versions. */
  makeBucket(name: string, options?: { readonly objectLock?: boolean }): Promise<void>;
  /** Uploads every file of a directory: `<prefix>/<its path there>`. */
  putAll(bucket: string, prefix: string, directory: string): Promise<void>;
  /** SIGKILL. */
  kill(): Promise<void>;
  /** Again, at the same address, with what it stored. */
  restart(): Promise<void>;
  close(): Promise<void>;
}

/** @param options.versions false: the server keeps but one version of an object. */
export async function s3Server(options: { readonly versions: boolean }): Promise<S3Server> {
  const folder = await mkdtemp(join(tmpdir(), 'muster-s3-'));
  const directory = join(folder, 'data');
  const versions = join(folder, 'versions');
  await mkdir(directory);
  await mkdir(versions);
  const port = await freePort();
  const args = [
    ...['--quiet', '--port', `127.0.0.1:${port}`],
    ...['posix', ...(options.versions ? ['--versioning-dir', versions] : []), directory],
  ];
  const env = {
    ...process.env,
    ROOT_ACCESS_KEY: S3_KEY.accessKeyId,
    ROOT_SECRET_KEY: S3_KEY.secretAccessKey,
  };
  let server: ChildProcess;
  const start = async (): Promise<void> => {
    server = spawn(versitygw ?? '', args, { env, stdio: 'ignore' });
    await eventually('the S3 server listens', () => listens(port));
  };
  const kill = async (): Promise<void> => {
    if (server.exitCode !== null || server.signalCode !== null) return;
    const ended = once(server, 'exit');
    server.kill('SIGKILL');
    await ended;
  };
  await start();
  const endpoint = `http://127.0.0.1:${port}`;
  const client = new S3Client({ endpoint, region: 'us-east-1', forcePathStyle: true, credentials: S3_KEY });
  return {
    endpoint,
    client,
    directory,
    async makeBucket(Bucket, { objectLock = false } = {}) {
      await client.send(new CreateBucketCommand({ Bucket, ObjectLockEnabledForBucket: objectLock }));
      if (!options.versions || objectLock) return;
      const VersioningConfiguration = { Status: 'Enabled' } as const;
      await client.send(new PutBucketVersioningCommand({ Bucket, VersioningConfiguration }));
    },
    async putAll(Bucket, prefix, from) {
      const entries = await readdir(from, { recursive: true, withFileTypes: true });
      const files = entries.filter((entry) => entry.isFile()).values();
      const lane = async (): Promise<void> => {
        for (const { parentPath, name } of files) {
          const path = join(parentPath, name);
          const Key = `${prefix}/${relative(from, path)}`;
          await client.send(new PutObjectCommand({ Bucket, Key, Body: await readFile(path) }));
        }
      };
      await Promise.all(Array.from({ length: LANES }, lane));
    },
    kill,
    restart: start,
    async close() {
      client.destroy();
      await kill();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

function listens(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.on('connect', () => resolve(true)).on('error', () => resolve(false));
    socket.on('connect', () => socket.destroy());
  });
}
