import type { IncomingHttpHeaders } from 'node:http';

/**
 * True if a page of this very origin sent it. A browser says so by `Sec-Fetch-Site` (Fetch Metadata), and where it does
 * not, over plain HTTP, by `Origin`; what says neither is no browser, and has no business with a cookie.
 */
export function isSameOrigin({ 'sec-fetch-site': site, origin, host }: IncomingHttpHeaders): boolean {
  if (site !== undefined) return site === 'same-origin';
  return origin !== undefined && URL.canParse(origin) && new URL(origin).host === host;
}
