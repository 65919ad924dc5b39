import type { Principal } from '../auth.js';
import { BOARD } from './board-routes.js';

/**
 * For every answer below the board: nothing of another host is loaded, nothing runs that is not a file of Bull Board's, and
 * nobody frames it. Its page sets styles in its markup, hence their exception.
 */
export const HEADERS = {
  'content-security-policy':
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; font-src 'self'; connect-src 'self'; worker-src 'self'; base-uri 'self'; form-action 'self'; frame-ancestors 'none'",
  'x-content-type-options': 'nosniff',
  // Not `no-referrer`: with that, browsers hide the origin of a form from its own server.
  'referrer-policy': 'same-origin',
  'cache-control': 'no-store',
} as const;

/** Where a token is taken for a session, or whoever has one ends it. */
export function loginPage({
  said,
  who,
}: {
  readonly said?: string;
  readonly who?: Principal | undefined;
}): string {
  const alert = said === undefined ? '' : `<p role="alert">${escaped(said)}</p>`;
  if (who !== undefined) {
    return page(
      'Signed in',
      `<p>Signed in as ${escaped(who.name)}, ${who.role}. <a href="${BOARD}/">To the queues</a></p>
<form method="post" action="${BOARD}/logout"><button>Sign out</button></form>`,
    );
  }
  return page(
    'Sign in',
    `${alert}<form method="post" action="${BOARD}/login">
<label>Token <input type="password" name="token" required autofocus autocomplete="off"></label>
<button>Sign in</button></form>
<p>One of <code>api.tokens</code>, or the one that the API said when it started.</p>`,
  );
}

/** Why there is no page. */
export const faultPage = (title: string, detail: string): string =>
  page(title, `<p role="alert">${escaped(detail)}</p><p><a href="${BOARD}/">Try again</a></p>`);

const page = (title: string, body: string): string => `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<link rel="icon" href="data:,"><title>Muster: ${escaped(title)}</title>
<style>body{font:1rem/1.5 system-ui,sans-serif;max-width:26rem;margin:15vh auto;padding:0 1rem;color-scheme:light dark}
input{display:block;width:100%;box-sizing:border-box;font:inherit;padding:.4rem;margin:.3rem 0 1rem}
button{font:inherit;padding:.4rem 1rem}[role=alert]{color:light-dark(#a00,#f88)}</style></head>
<body><h1>Muster: ${escaped(title)}</h1>
${body}
</body></html>
`;

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};
const escaped = (text: string): string => text.replaceAll(/[&<>"']/g, (one) => ENTITIES[one] ?? '');

/** Bull Board's page asks another host for its font: this asks for our style sheet and script in its place. */
export const withOwnFiles = (html: string): string =>
  html.replaceAll(
    /<link [^>]*https?:[^>]*>/g,
    '<link href="muster.css" rel="stylesheet"><script defer src="muster.js"></script>',
  );

/**
 * A link can but GET, and to sign out is a POST: the menu's posts the form of the page that it leads to. Before Bull
 * Board's own listeners, which close the menu, and with it the link.
 */
export const SCRIPT = `addEventListener('click', (event) => {
  if (event.target.closest('a[href$="${BOARD}/login"]') === null) return;
  event.preventDefault();
  event.stopPropagation();
  const form = document.createElement('form');
  form.method = 'post';
  form.action = '${BOARD}/logout';
  document.body.append(form);
  form.submit();
}, true);
`;

/** Of what is off for everybody. */
const ICONS = ['plus', 'files', 'pencil', 'clock', 'trash-2', 'ban', 'chart-no-axes-gantt', 'gauge'];

/** Hides the buttons of what is off, by their icons: Bull Board itself knows only all of them or none. */
export const STYLE = `:is(button, [role="menuitem"]):has(> :is(${ICONS.map((icon) => `.lucide-${icon}`).join(', ')})) {
  display: none !important;
}
`;
