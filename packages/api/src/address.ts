import { normalizeIP } from '@fastify/rate-limit';

/** Whom limits and the log tell apart. Whoever comes over a unix socket has no address: all of them are one. */
export const addressOf = ({ ip }: { readonly ip: string | undefined }): string =>
  ip === undefined ? 'unix' : normalizeIP(ip);
