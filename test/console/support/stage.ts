// A gateway, a browser, and people who each have a browser profile of their own. What the browser or the API complained about is kept for each of
// them: a journey that does not expect it fails.
//
//   const stage = await openStage(chromium.path);
//   const person = await stage.person();          // signed in as operator; person({ key }) = with that key, person({ key: null }) = not at all
//   await person.go('Numbers');
//   await person.page.getByRole('button', …).click();
//   expect(person.refusals()).toEqual(['422 POST /v1/provider-accounts']);
//   await person.leave('name-of-the-picture');    // nothing else may have been complained about

import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Browser, BrowserContext, Locator, Page, Response } from 'playwright-core';
import { expect } from 'vitest';
import { startChromium } from '../../support/chromium.ts';
import { type RunningGateway, startGateway } from '../../support/gateway.ts';
import { buildConsole, consoleUrl, SHOTS } from './visitor.ts';

/** Others may use the machine, too; nothing waits longer than it must. */
export const WAIT_MS = 20_000;
/** Of a whole journey, for vitest. */
export const JOURNEY_MS = 90_000;

/** Of a page, when a test says what was there instead. */
const SHOWN_MAX = 3_000;

export interface StageOptions {
  readonly config?: Readonly<Record<string, unknown>>;
  readonly dataDir?: string;
}

export interface PersonOptions {
  /** null = does not sign in; the operator's where it is left out. */
  readonly key?: string | null;
  /** Runs in each page before anything of it. */
  readonly before?: () => void;
}

export interface Key {
  readonly id: string;
  readonly token: string;
}

export interface Stage {
  readonly gateway: RunningGateway;
  person(options?: PersonOptions): Promise<Person>;
  newKey(role: 'admin' | 'read_only', workspaceId?: string): Promise<Key>;
  close(): Promise<void>;
}

export async function openStage(chromium: string, { config = {}, dataDir }: StageOptions = {}): Promise<Stage> {
  buildConsole();
  mkdirSync(SHOTS, { recursive: true });
  const gateway = await startGateway({
    config,
    startTimeoutMs: 2 * WAIT_MS,
    ...(dataDir === undefined ? {} : { dataDir }),
  });
  let browser: Browser;
  try {
    browser = await startChromium(chromium);
  } catch (error) {
    await gateway.stop();
    throw error;
  }
  return {
    gateway,
    async person({ key = gateway.adminToken, before } = {}) {
      const context = await browser.newContext({ viewport: { width: 1280, height: 860 } });
      context.setDefaultTimeout(WAIT_MS);
      if (before !== undefined) await context.addInitScript(before);
      const person = new Person(context, await context.newPage(), gateway);
      await person.page.goto(consoleUrl(gateway));
      if (key !== null) await person.signIn(key);
      return person;
    },
    async newKey(role, workspaceId = 'demo') {
      const path = `/v1/workspaces/${workspaceId}/keys`;
      const { status, body } = await gateway.api<Key>('POST', path, { label: `${role} of a journey`, role });
      expect(status).toBe(201);
      return body;
    },
    async close() {
      await browser.close();
      await gateway.stop();
      if (dataDir !== undefined) gateway.discard();
    },
  };
}

/** Somebody at the console. */
export class Person {
  readonly page: Page;
  readonly context: BrowserContext;
  readonly #gateway: RunningGateway;
  readonly #complaints: string[] = [];
  #refusals: string[] = [];
  #clicks = 0;

  constructor(context: BrowserContext, page: Page, gateway: RunningGateway) {
    this.context = context;
    this.page = page;
    this.#gateway = gateway;
    page.on('console', (message) => {
      const text = message.text();
      // What the API refuses is kept with its path below.
      const isRefusal = text.startsWith('Failed to load resource: the server responded with a status of');
      const isTold = message.type() === 'error' || message.type() === 'warning';
      if (isTold && !isRefusal) this.#complaints.push(text);
    });
    page.on('pageerror', (error) => this.#complaints.push(error.message));
    page.on('response', (response) => this.#take(response));
  }

  #take(response: Response): void {
    if (response.status() < 400) return;
    const { pathname } = new URL(response.url());
    this.#refusals.push(`${response.status()} ${response.request().method()} ${pathname}`);
  }

  async signIn(key: string): Promise<void> {
    await this.page.getByLabel('Key').fill(key);
    await this.press('Sign in');
    await this.page.getByRole('navigation', { name: 'Main' }).waitFor();
    await this.page.locator('h1').first().waitFor();
  }

  /** Clicks and choices since the last time this was asked. */
  takeClicks(): number {
    const clicks = this.#clicks;
    this.#clicks = 0;
    return clicks;
  }

  async click(locator: Locator): Promise<void> {
    this.#clicks += 1;
    await locator.click();
  }

  /** The button of that name. */
  async press(name: string | RegExp): Promise<void> {
    await this.click(this.page.getByRole('button', { name, exact: typeof name === 'string' }));
  }

  /** An option of the select with that label; counts as a click. */
  async choose(label: string | RegExp, option: string): Promise<void> {
    this.#clicks += 1;
    await this.page.getByLabel(label, { exact: typeof label === 'string' }).selectOption({ label: option });
  }

  /** By the navigation, as people do. */
  async go(name: string): Promise<void> {
    await this.click(this.page.getByRole('navigation', { name: 'Main' }).getByRole('link', { name, exact: true }));
    await this.page.getByRole('heading', { level: 1, name }).waitFor();
  }

  /** By the menu of the page of numbers. */
  async addNumber(name: string): Promise<void> {
    await this.go('Numbers');
    await this.click(this.page.getByRole('button', { name: 'Add number', exact: true }).first());
    await this.click(this.page.getByRole('menuitem', { name }));
  }

  async visit(path: string): Promise<void> {
    await this.page.goto(consoleUrl(this.#gateway, path));
    await this.page.locator('h1').first().waitFor();
  }

  /** Resolves once the text is to be seen. */
  async sees(text: string | RegExp, within?: Locator): Promise<void> {
    const place = within ?? this.page.locator('body');
    try {
      await place.getByText(text).filter({ visible: true }).first().waitFor();
    } catch (error) {
      const shown = await place.innerText();
      throw new Error(`${String(text)} is not to be seen in "${shown.replaceAll(/\s+/g, ' ').slice(-SHOWN_MAX)}"`, {
        cause: error,
      });
    }
  }

  /** Resolves once the locator's text is as expected. */
  async reads(locator: Locator, expected: RegExp | string): Promise<void> {
    let text = '';
    const isAsExpected = async (): Promise<boolean> => {
      text = await locator.innerText();
      return typeof expected === 'string' ? text === expected : expected.test(text);
    };
    await expect
      .poll(isAsExpected, { timeout: WAIT_MS })
      .toBe(true)
      .catch((error: unknown) => {
        throw new Error(`it reads "${text}", not ${String(expected)}`, { cause: error });
      });
  }

  /** The alert about what was refused. */
  get alert(): Locator {
    return this.page.getByRole('alert');
  }

  /** The row of a number in the list of numbers. */
  numberRow(e164: string): Locator {
    return this.page
      .getByRole('table', { name: 'Numbers' })
      .getByRole('row')
      .filter({ has: this.page.getByLabel(`Copy ${e164}`) });
  }

  /** What the API refused since the last time this was asked, as `422 POST /v1/…`. */
  refusals(): string[] {
    const refusals = this.#refusals;
    this.#refusals = [];
    return refusals;
  }

  /** A picture of the end, and nothing that was complained about. */
  async leave(picture: string): Promise<void> {
    await this.page.evaluate(() => scrollTo(0, 0));
    await this.page.screenshot({ path: join(SHOTS, `journey-${picture}.png`), fullPage: true });
    await this.context.close();
    const faults = [
      ...this.#complaints.map((text) => `the browser complained: ${text}`),
      ...this.refusals().map((refusal) => `refused: ${refusal}`),
    ];
    if (faults.length > 0) throw new Error(faults.join('\n'));
  }
}
