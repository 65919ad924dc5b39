import { createHash } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import { gzipSync } from 'node:zlib';

/** An image registry with one image, on loopback: just enough of the OCI distribution protocol for a pull. */
export interface Registry {
  /** What `docker pull` takes. */
  readonly reference: string;
  /** Digest of the image's manifest. */
  readonly digest: string;
  close(): Promise<void>;
}

/** @param layer tar archive of the image's only layer. */
export async function startRegistry(layer: Buffer): Promise<Registry> {
  const compressed = gzipSync(layer, { level: 0 });
  const config = Buffer.from(
    JSON.stringify({
      architecture: process.arch === 'arm64' ? 'arm64' : 'amd64',
      os: 'linux',
      config: { Env: ['PATH=/bin'] },
      rootfs: { type: 'layers', diff_ids: [digestOf(layer)] },
    }),
  );
  const describe = (mediaType: string, blob: Buffer): object => ({
    mediaType,
    size: blob.length,
    digest: digestOf(blob),
  });
  const manifestType = 'application/vnd.docker.distribution.manifest.v2+json';
  const manifest = Buffer.from(
    JSON.stringify({
      schemaVersion: 2,
      mediaType: manifestType,
      config: describe('application/vnd.docker.container.image.v1+json', config),
      layers: [describe('application/vnd.docker.image.rootfs.diff.tar.gzip', compressed)],
    }),
  );
  const blobs = new Map([config, compressed].map((blob) => [digestOf(blob), blob]));
  const manifests = new Map([TAG, digestOf(manifest)].map((name) => [name, manifest]));
  const server = createServer((request, response) => {
    const [, kind, name = ''] = /^\/v2\/muster\/tiny\/(manifests|blobs)\/(.+)$/.exec(request.url ?? '') ?? [];
    const found = kind === 'manifests' ? manifests.get(name) : blobs.get(name);
    const body = request.url === '/v2/' ? Buffer.alloc(0) : found;
    if (body === undefined) {
      response.writeHead(404).end();
      return;
    }
    response.writeHead(200, {
      'Content-Type': kind === 'manifests' ? manifestType : 'application/octet-stream',
      'Content-Length': body.length,
      'Docker-Content-Digest': digestOf(body),
      'Docker-Distribution-Api-Version': 'registry/2.0',
    });
    response.end(request.method === 'HEAD' ? undefined : body);
  });
  const port = await listen(server);
  return {
    reference: `127.0.0.1:${port}/muster/tiny:${TAG}`,
    digest: digestOf(manifest),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

const TAG = '1';

const digestOf = (bytes: Buffer): string => `sha256:${createHash('sha256').update(bytes).digest('hex')}`;

async function listen(server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  return typeof address === 'object' && address !== null ? address.port : 0;
}
