// Where a Chromium for tests of pages is, and how it is started: the machine's own, without a window, with a microphone that beeps.
// Nobody downloads one: a machine without it skips these tests, and says so.

import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { type Browser, chromium } from 'playwright-core';

export type FoundChromium =
  | { readonly ok: true; readonly path: string }
  /** Why the tests that need one are skipped. */
  | { readonly ok: false; readonly missing: string };

const NAMES = ['chromium', 'chromium-browser', 'google-chrome-stable', 'google-chrome'];

/** CHROMIUM_BIN, else the first of the usual names on PATH. */
export function findChromium(environment: NodeJS.ProcessEnv = process.env): FoundChromium {
  const given = environment['CHROMIUM_BIN'];
  if (given !== undefined && given !== '') {
    return isExecutable(given)
      ? { ok: true, path: given }
      : { ok: false, missing: `CHROMIUM_BIN (${given}) cannot be run` };
  }
  const folders = (environment['PATH'] ?? '').split(delimiter).filter((folder) => folder !== '');
  for (const name of NAMES) {
    for (const folder of folders) {
      const path = join(folder, name);
      if (isExecutable(path)) return { ok: true, path };
    }
  }
  return { ok: false, missing: `no Chromium on PATH (${NAMES.join(', ')}), and CHROMIUM_BIN is not set` };
}

/** With a fake microphone that is allowed without asking; nothing is loaded from anywhere but the pages under test. */
export const CHROMIUM_ARGUMENTS: readonly string[] = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--use-fake-device-for-media-stream',
  '--use-fake-ui-for-media-stream',
];

/** The caller closes it. */
export function startChromium(path: string): Promise<Browser> {
  return chromium.launch({ executablePath: path, headless: true, args: [...CHROMIUM_ARGUMENTS] });
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch (error) {
    // Not there, or not for us: both mean no.
    void error;
    return false;
  }
}
