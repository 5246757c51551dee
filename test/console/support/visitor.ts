// A person at the console: the real gateway, a real browser, signed in through the page itself. Remembers what the browser complained about.

import { spawnSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { startChromium } from '../../support/chromium.ts';
import { type RunningGateway, startGateway } from '../../support/gateway.ts';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
export const SHOTS = fileURLToPath(new URL('../shots/', import.meta.url));
const WAIT_MS = 10_000;

export interface Visitor {
  readonly gateway: RunningGateway;
  readonly page: Page;
  /** What the browser logged as an error, and what a page threw. */
  readonly complaints: string[];
  /** A page of the console by its path, when it has its heading and waits for nothing. */
  visit(path: string): Promise<void>;
  /** Resolves when nothing is being loaded. */
  settled(): Promise<void>;
  /** Another person with a browser profile of their own, not signed in. */
  stranger(): Promise<{ readonly page: Page; readonly context: BrowserContext }>;
  close(): Promise<void>;
}

export async function startVisitor(chromium: string, config: Readonly<Record<string, unknown>> = {}): Promise<Visitor> {
  buildConsole();
  mkdirSync(SHOTS, { recursive: true });
  const gateway = await startGateway({ config: { sip: { wsPort: 0 }, ...config } });
  let browser: Browser | undefined;
  try {
    browser = await startChromium(chromium);
    return await signedIn(gateway, browser);
  } catch (error) {
    await browser?.close();
    await gateway.stop();
    throw error;
  }
}

export function consoleUrl(gateway: RunningGateway, path = '/'): string {
  return `http://127.0.0.1:${gateway.http.port}/console${path}`;
}

async function signedIn(gateway: RunningGateway, browser: Browser): Promise<Visitor> {
  const complaints: string[] = [];
  const context = await browser.newContext({ viewport: { width: 1280, height: 860 } });
  context.setDefaultTimeout(WAIT_MS);
  const page = await context.newPage();
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning') complaints.push(message.text());
  });
  page.on('pageerror', (error) => complaints.push(error.message));

  await page.goto(consoleUrl(gateway));
  await page.getByLabel('Key').fill(gateway.adminToken);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.getByRole('navigation', { name: 'Main' }).waitFor();

  const settled = async (): Promise<void> => {
    await page.locator('h1').first().waitFor();
    await page.waitForFunction(() => document.querySelector('.skeleton, [aria-busy=true]') === null);
    // Drawn, with the colours of a theme that was just changed.
    await page.evaluate(() => new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn))));
  };
  return {
    gateway,
    page,
    complaints,
    settled,
    async visit(path) {
      await page.goto(consoleUrl(gateway, path));
      await settled();
    },
    async stranger() {
      const other = await browser.newContext();
      other.setDefaultTimeout(WAIT_MS);
      return { page: await other.newPage(), context: other };
    },
    async close() {
      await browser.close();
      await gateway.stop();
    },
  };
}

/** As `npm start` does: only where a source is newer. */
export function buildConsole(): void {
  const built = spawnSync(process.execPath, ['src/setup/setup.mjs', '--console'], { cwd: ROOT, encoding: 'utf8' });
  if (built.status !== 0) throw new Error(`the console could not be built: ${built.stderr}`);
}
