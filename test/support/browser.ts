import { existsSync } from 'node:fs';
import { type BrowserContext, chromium, type Page } from 'playwright-core';
import { findProgram } from './find-program.ts';
import { requirement } from './requirement.ts';

const program = findProgram('chromium') ?? '/usr/bin/chromium';

/** Whether there is a browser. */
export const canBrowse = (): boolean =>
  requirement('chromium', existsSync(program), 'apt-get install --no-install-recommends chromium');

/** A headless Chromium with an empty profile. */
export interface Browser {
  /** A page of somebody who was never here before. */
  visit(): Promise<Page>;
  /** Every address that a page asked for. */
  readonly asked: readonly string[];
  /** What every answer said that is text, and what pages showed where {@link Browser.see} was called. */
  answers(): Promise<readonly string[]>;
  /** Keeps what a page shows now for {@link Browser.answers}. */
  see(page: Page): Promise<string>;
  /** What went wrong in a page: errors that nobody caught, dialogs, and what the page was not allowed to load or run. */
  readonly faults: readonly string[];
  close(): Promise<void>;
}

const FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

export async function startBrowser(): Promise<Browser> {
  const browser = await chromium.launch({ executablePath: program, args: FLAGS });
  const asked: string[] = [];
  const faults: string[] = [];
  const shown: string[] = [];
  const reading: Promise<void>[] = [];
  const listen = (context: BrowserContext): void => {
    context.on('request', (request) => asked.push(request.url()));
    context.on('response', (response) => {
      if (!/html|json/.test(response.headers()['content-type'] ?? '')) return;
      // A redirect has no text, nor has what a page did not wait for.
      const read = response.text().then((text) => void shown.push(text));
      reading.push(read.catch(() => {}));
    });
    context.on('weberror', (error) => faults.push(error.error().message));
    context.on('dialog', (dialog) => {
      faults.push(`dialog: ${dialog.message()}`);
      void dialog.dismiss();
    });
    context.on('console', (message) => {
      if (/Content Security Policy/.test(message.text())) faults.push(message.text());
    });
  };
  return {
    asked,
    faults,
    visit: async () => {
      const context = await browser.newContext({ viewport: { width: 1600, height: 900 } });
      listen(context);
      return await context.newPage();
    },
    answers: async () => {
      await Promise.all(reading);
      return shown;
    },
    see: async (page) => {
      const html = await page.content();
      shown.push(html);
      return html;
    },
    close: () => browser.close(),
  };
}
