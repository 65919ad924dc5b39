import { z } from 'zod';
import type { ApiConfig, Listen, Role } from './config.js';
import { poolName } from './schedule.js';

export const ROLES = ['viewer', 'operator', 'admin'] as const satisfies readonly Role[];

const ADDRESS = /^(?:\[([0-9a-f:]+)\]|([a-z0-9.-]+)):(\d{1,5})$/i;

const listen = z.string().transform((text, context): Listen => {
  if (text.startsWith('unix:/')) return { path: text.slice('unix:'.length) };
  const [, six, host, port] = ADDRESS.exec(text) ?? [];
  const number = Number(port);
  if (port !== undefined && number <= 65_535) return { host: six ?? host ?? '', port: number };
  context.addIssue({ code: 'custom', message: 'expected HOST:PORT, [IPv6]:PORT or unix:/PATH' });
  return z.NEVER;
});

export const api = z.strictObject({
  listen: listen
    .exactOptional()
    .describe('HOST:PORT or unix:/PATH. Default: 127.0.0.1:7655. Others than loopback need tokens.'),
  tokens: z
    .array(
      z.strictObject({
        name: poolName().describe('For logs and plans: who asked.'),
        role: z.enum(ROLES).describe('viewer sees, operator also asks for drills, admin does all.'),
        sha256: z
          .string()
          .regex(/^[0-9a-f]{64}$/, { error: 'expected 64 lower-case hex digits: muster token generate' })
          .describe('Of the token, which itself is kept nowhere: muster token generate makes both.'),
      }),
    )
    .exactOptional()
    .describe('Who may use the API. Default: one that is made at each start, for this machine alone.'),
});

export const DEFAULT_LISTEN: Listen = { host: '127.0.0.1', port: 7655 };

export const resolveApi = ({ listen: at, tokens }: z.output<typeof api> = {}): ApiConfig => ({
  ...(at && { listen: at }),
  tokens: tokens ?? [],
});

/** As in the file. */
export const describeListen = (at: Listen): string => {
  if ('path' in at) return `unix:${at.path}`;
  return at.host.includes(':') ? `[${at.host}]:${at.port}` : `${at.host}:${at.port}`;
};
