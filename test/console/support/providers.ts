// Twilio and Telnyx on loopback, and the gateway's configuration that leads to them.

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse, stringify } from 'yaml';
import { expect } from 'vitest';
import { type FakeTelnyx, startFakeTelnyx } from '../../support/fake-telnyx.ts';
import { type FakeTwilio, startFakeTwilio } from '../../support/fake-twilio.ts';

const SHIPPED = new URL('../../../config/providers.yaml', import.meta.url);

export interface Providers {
  readonly twilio: FakeTwilio;
  readonly telnyx: FakeTelnyx;
  readonly config: Readonly<Record<string, unknown>>;
  /** Nothing was asked of them that their documents do not have. */
  close(): Promise<void>;
}

export async function startProviders(): Promise<Providers> {
  const folder = mkdtempSync(join(tmpdir(), 'callin-providers-'));
  const [twilio, telnyx] = await Promise.all([startFakeTwilio(), startFakeTelnyx()]);
  const shipped = parse(readFileSync(SHIPPED, 'utf8')) as Record<'twilio' | 'telnyx', object>;
  const file = join(folder, 'providers.yaml');
  const settings = { twilio: { ...shipped.twilio, ...twilio.urls }, telnyx: { ...shipped.telnyx, ...telnyx.urls } };
  writeFileSync(file, stringify(settings));
  return {
    twilio,
    telnyx,
    // They are told this name; nobody calls it.
    config: { providers: { file }, sip: { externalAddress: 'sip.edge.example.com' } },
    async close() {
      await Promise.all([twilio.close(), telnyx.close()]);
      rmSync(folder, { recursive: true, force: true });
      expect([twilio.violations, telnyx.violations]).toEqual([[], []]);
    },
  };
}
