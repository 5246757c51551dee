// `npm run demo`: a gateway of its own on free ports, one real SIP call to the echo agent with spoken audio, and what came of it:
// the timeline, how the echo compares with what was said (saved as WAV), the bill, and the audit of the books.
// Exit code 0 only if the audio came back byte for byte and the books agree.

import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { readWav, writeWav } from '../agents/wav.ts';
import { auditFile, renderReport } from '../audit.ts';
import { BOOKS_FILE } from '../books.ts';
import { loadConfig } from '../config/load.ts';
import { startGateway } from '../gateway.ts';
import { createLogger } from '../observability/logger.ts';
import { createPhone } from '../phone/phone.ts';
import { compareEcho } from './echo.ts';
import { renderBill, renderTimeline, type CallView } from './report.ts';

const ROOT = join(fileURLToPath(import.meta.url), '..', '..', '..');
const SPOKEN = join(ROOT, 'src', 'demo', 'hello.wav');
const HEARD = join(ROOT, '.demo', 'heard.wav');
const NUMBER = '+12025550100';
/** The last frames are still on their way back when the last one was sent. */
const ECHO_TAIL_PACKETS = 25;

process.exitCode = await demo();

async function demo(): Promise<number> {
  const dataDir = mkdtempSync(join(tmpdir(), 'callin-demo-'));
  try {
    const { call, spoken, heard } = await placeCall(dataDir);
    const echo = compareEcho(spoken, heard);
    mkdirSync(join(ROOT, '.demo'), { recursive: true });
    writeFileSync(HEARD, writeWav({ encoding: 'PCMU', sampleRateHz: 8000, channels: 1, data: heard }));
    say(`\nTimeline of ${call.id}\n${renderTimeline(call)}`);
    say(`\nEcho\n  ${echo.text}\n  what was heard is in ${relative(process.cwd(), HEARD)}`);
    say(`\nBill\n${renderBill(call)}`);
    const report = auditFile(join(dataDir, BOOKS_FILE));
    say(`\nAudit of the books\n${indent(renderReport(report))}`);
    return echo.exact && report.differences.length === 0 ? 0 : 1;
  } finally {
    rmSync(dataDir, { recursive: true, force: true });
  }
}

async function placeCall(dataDir: string): Promise<{ call: CallView; spoken: Buffer; heard: Buffer }> {
  const config = loadConfig({
    root: ROOT,
    file: null,
    env: {
      CALLIN_DEMO: 'true',
      CALLIN_DATA_DIR: dataDir,
      CALLIN_HTTP__PORT: '0',
      CALLIN_SIP__UDP_PORT: '0',
      CALLIN_SIP__WS_PORT: 'off',
      CALLIN_SIP__TCP_PORT: 'off',
    },
  });
  const gateway = await startGateway(config, { root: ROOT, logger: createLogger({ level: 'warn' }) });
  const phone = await createPhone({ host: config.sip.host });
  try {
    const { info } = gateway;
    const uri = `sip:${NUMBER}@${info.sipHost}:${info.ports.sipUdp}`;
    const spoken = spokenAudio();
    say(`Calling ${uri} and saying ${(spoken.length / 8000).toFixed(1)} s of audio …`);
    const call = await phone.call(uri, { from: '+12025550199', codecs: ['PCMU'] });
    await call.waitFor('answered');
    await call.sendAudio(spoken);
    await call.received.waitFor(call.received.packets.length + ECHO_TAIL_PACKETS);
    await call.bye();
    const view = await billedCall(`http://${info.httpHost}:${info.ports.http}`, info.adminToken);
    return { call: view, spoken, heard: call.received.audio };
  } finally {
    await phone.close();
    await gateway.drain(0);
    await gateway.close();
  }
}

function spokenAudio(): Buffer {
  const read = readWav(readFileSync(SPOKEN));
  if (!read.ok) throw new Error(`${SPOKEN}: ${read.detail}`);
  // Whole frames of 20 ms, so that every byte sent can be looked for in the echo.
  return read.wav.data.subarray(0, read.wav.data.length - (read.wav.data.length % 160));
}

/** The one call of this gateway, once its bill is final. */
async function billedCall(base: string, token: string): Promise<CallView> {
  for (let attempt = 0; attempt < 50; attempt++) {
    const response = await fetch(`${base}/v1/calls?limit=1&state=ended`, {
      headers: { authorization: `Bearer ${token}` },
    });
    const { items } = (await response.json()) as { items: CallView[] };
    const [call] = items;
    if (call?.bill?.final) return call;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error('the call has no final bill after 5 s');
}

function indent(text: string): string {
  return text.replace(/^/gm, '  ');
}

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}
