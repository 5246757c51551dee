// The telephone baresip (Debian package of that name), which shares no line of code with us: it plays a tone, records what it hears, and is
// told what to do over its control port.

import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import net, { type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Waiters } from '../../../src/phone/waiters.ts';
import { readSamples, writeTone } from './wav.ts';

export const HAS_BARESIP = spawnSync('baresip', ['-h']).error === undefined;

export interface BaresipOptions {
  readonly transport: 'udp' | 'tcp' | 'tls';
  /** `srtp-mand`: RTP/SAVP or nothing. */
  readonly mediaEncryption?: 'srtp' | 'srtp-mand' | 'srtp-mandf';
  /** PEM: what it shows over TLS, and whom it believes. */
  readonly certificate?: { readonly cert: string; readonly key: string } | undefined;
  readonly toneHz: number;
  readonly codec?: 'PCMU' | 'PCMA';
  /** As it calls itself: the user of its From. */
  readonly user?: string;
}

export interface BaresipEvent {
  readonly type?: string;
  readonly direction?: string;
  readonly param?: string;
  readonly peeruri?: string;
}

const TONE_SECONDS = 30;
const WAIT_MS = 15_000;
const MODULES = ['/usr/lib/baresip/modules', '/usr/lib64/baresip/modules', '/usr/local/lib/baresip/modules'];

export class Baresip {
  readonly port: number;
  /** Of its listener for the transport that it was started with. */
  readonly sipPort: number;
  readonly events: BaresipEvent[] = [];
  readonly #folder: string;
  readonly #child: ChildProcess;
  readonly #waiters = new Waiters();
  #control: Socket | null = null;
  #log = '';

  private constructor(folder: string, port: number, options: BaresipOptions) {
    this.#folder = folder;
    this.port = port;
    // It listens for TLS one port above the one for UDP and TCP.
    this.sipPort = options.transport === 'tls' ? port + 1 : port;
    this.#child = spawn('baresip', ['-4', '-f', folder], { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'] });
    for (const stream of [this.#child.stdout, this.#child.stderr])
      stream?.on('data', (text: Buffer) => {
        this.#log = (this.#log + text.toString()).slice(-8_000);
      });
  }

  static async start(options: BaresipOptions): Promise<Baresip> {
    const folder = mkdtempSync(join(tmpdir(), 'baresip-'));
    const port = 21_000 + randomInt(1_000) * 8;
    writeTone(join(folder, 'tone.wav'), options.toneHz, TONE_SECONDS);
    const { cert = '', key = '' } = options.certificate ?? {};
    writeFileSync(join(folder, 'identity.pem'), `${key}\n${cert}`);
    writeFileSync(join(folder, 'ca.pem'), cert);
    writeFileSync(join(folder, 'config'), configuration(folder, port, options));
    writeFileSync(join(folder, 'accounts'), account(port, options));
    writeFileSync(join(folder, 'contacts'), '');
    const phone = new Baresip(folder, port, options);
    await phone.#connect(port + 4);
    return phone;
  }

  /** As typed at its prompt, without the slash: `dial`, `hangup`, `hold`, `resume`. */
  command(command: string, params = ''): void {
    const text = JSON.stringify({ command, params, token: 'test' });
    this.#control?.write(`${Buffer.byteLength(text)}:${text},`);
  }

  async event(type: string): Promise<BaresipEvent> {
    const find = () => this.events.find((event) => event.type === type);
    await this.#waiters.until(
      () => find() !== undefined,
      WAIT_MS,
      () => `no ${type} of baresip, only ${this.events.map((event) => event.type).join(', ')}\n${this.#log}`,
    );
    return find() as BaresipEvent;
  }

  /** What it has heard so far, decoded; the newest call's. */
  heard(): Float64Array {
    const dump = readdirSync(this.#folder)
      .filter((name) => name.endsWith('-dec.wav'))
      .toSorted()
      .at(-1);
    return dump === undefined ? new Float64Array(0) : readSamples(join(this.#folder, dump));
  }

  get log(): string {
    return this.#log;
  }

  async close(): Promise<void> {
    this.#control?.destroy();
    const ended = new Promise((resolve) => this.#child.once('exit', resolve));
    if (this.#child.exitCode === null && this.#child.signalCode === null) {
      this.#child.kill('SIGKILL');
      await ended;
    }
    rmSync(this.#folder, { recursive: true, force: true });
  }

  async #connect(port: number): Promise<void> {
    const deadline = performance.now() + WAIT_MS;
    while (this.#control === null) {
      if (performance.now() > deadline) throw new Error(`baresip does not listen:\n${this.#log}`);
      this.#control = await connect(port);
    }
    let buffered = '';
    this.#control.on('error', () => undefined);
    this.#control.on('data', (chunk) => {
      buffered += chunk.toString();
      for (let colon = buffered.indexOf(':'); colon > 0; colon = buffered.indexOf(':')) {
        const end = colon + 1 + Number(buffered.slice(0, colon));
        if (buffered.length < end + 1) return;
        this.events.push(JSON.parse(buffered.slice(colon + 1, end)) as BaresipEvent);
        buffered = buffered.slice(end + 1);
        this.#waiters.notify();
      }
    });
  }
}

function connect(port: number): Promise<Socket | null> {
  return new Promise((resolve) => {
    const socket = net.connect(port, '127.0.0.1');
    socket.once('connect', () => resolve(socket));
    socket.once('error', () => setTimeout(() => resolve(null), 50));
  });
}

function account(
  port: number,
  { transport, mediaEncryption, codec = 'PCMU', user = 'baresip' }: BaresipOptions,
): string {
  const host = transport === 'tls' ? `127.0.0.1:${port + 1}` : `127.0.0.1:${port}`;
  const encryption = mediaEncryption === undefined ? '' : `;mediaenc=${mediaEncryption}`;
  return `<sip:${user}@${host};transport=${transport}>;regint=0;audio_codecs=${codec};answermode=auto${encryption}\n`;
}

function configuration(folder: string, port: number, { transport }: BaresipOptions): string {
  const rtp = 52_000 + (port % 8_000);
  return [
    `sip_listen 127.0.0.1:${port}`,
    ...(transport === 'tls'
      ? [`sip_certificate ${folder}/identity.pem`, `sip_cafile ${folder}/ca.pem`, 'sip_verify_server yes']
      : []),
    'call_local_timeout 60',
    `audio_source aufile,${folder}/tone.wav`,
    'audio_player aubridge,sink',
    `audio_alert aufile,${folder}/none.wav`,
    'audio_srate 8000',
    'audio_channels 1',
    'ausrc_srate 8000',
    'auplay_srate 8000',
    ...['ausrc', 'auplay', 'auenc', 'audec'].map((part) => `${part}_format s16`),
    'audio_buffer 20-160',
    `rtp_ports ${rtp - (rtp % 2)}-${rtp + 40}`,
    'rtcp_enable yes',
    `module_path ${MODULES.find((path) => spawnSync('test', ['-d', path]).status === 0) ?? MODULES[0]}`,
    ...['g711', 'aufile', 'aubridge', 'sndfile', 'srtp'].map((name) => `module ${name}.so`),
    'module_tmp account.so',
    'module_app menu.so',
    'module_app ctrl_tcp.so',
    `ctrl_tcp_listen 127.0.0.1:${port + 4}`,
    `snd_path ${folder}`,
    '',
  ].join('\n');
}
