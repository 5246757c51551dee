// The telephone linphonec (Debian package linphone-cli): belle-sip and mediastreamer, a second stack that shares nothing with us. It plays a WAV
// file, records another, and takes commands on its standard input.

import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Waiters } from '../../../src/phone/waiters.ts';
import { readSamples, writeTone } from './wav.ts';

export const HAS_LINPHONE = spawnSync('linphonec', ['-v']).error === undefined;

export interface LinphoneOptions {
  readonly transport: 'udp' | 'tls';
  readonly isEncrypted?: boolean;
  /** PEM of whom it believes over TLS. */
  readonly authority?: string;
  readonly toneHz: number;
  /** As it calls itself: the user of its From. */
  readonly user: string;
}

const TONE_SECONDS = 30;
const WAIT_MS = 15_000;

export class Linphone {
  readonly port: number;
  readonly #folder: string;
  readonly #child: ChildProcess;
  readonly #waiters = new Waiters();
  #said = '';

  private constructor(folder: string, port: number) {
    this.#folder = folder;
    this.port = port;
    const env = { ...process.env, HOME: folder, XDG_DATA_HOME: folder, XDG_CONFIG_HOME: folder };
    this.#child = spawn('linphonec', ['-a', '-c', join(folder, 'linphonerc')], {
      cwd: folder,
      env,
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    for (const stream of [this.#child.stdout, this.#child.stderr])
      stream?.on('data', (text: Buffer) => {
        this.#said = (this.#said + text.toString()).slice(-20_000);
        this.#waiters.notify();
      });
  }

  static async start(options: LinphoneOptions): Promise<Linphone> {
    const folder = mkdtempSync(join(tmpdir(), 'linphone-'));
    mkdirSync(join(folder, 'linphone'));
    const port = 30_000 + randomInt(900) * 4;
    writeTone(join(folder, 'tone.wav'), options.toneHz, TONE_SECONDS);
    writeFileSync(join(folder, 'ca.pem'), options.authority ?? '');
    writeFileSync(join(folder, 'linphonerc'), configuration(folder, port, options));
    const phone = new Linphone(folder, port);
    await phone.says('linphonec>');
    phone.command('ipv6 disable');
    phone.command('soundcard use files');
    await phone.says('wav files instead');
    phone.command(`play ${join(folder, 'tone.wav')}`);
    phone.command(`record ${join(folder, 'heard.wav')}`);
    return phone;
  }

  /** As typed at its prompt: `call sip:…`, `terminate`, `pause`, `resume`. */
  command(line: string): void {
    this.#child.stdin?.write(`${line}\n`);
  }

  async says(text: string): Promise<void> {
    await this.#waiters.until(
      () => this.#said.includes(text),
      WAIT_MS,
      () => `linphonec did not say "${text}":\n${this.#said}`,
    );
  }

  heard(): Float64Array {
    const file = join(this.#folder, 'heard.wav');
    return existsSync(file) ? readSamples(file) : new Float64Array(0);
  }

  async close(): Promise<void> {
    const ended = new Promise((resolve) => this.#child.once('exit', resolve));
    if (this.#child.exitCode === null && this.#child.signalCode === null) {
      this.#child.kill('SIGKILL');
      await ended;
    }
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

function configuration(folder: string, port: number, options: LinphoneOptions): string {
  const { transport, isEncrypted = false, user } = options;
  return [
    '[sip]',
    `sip_port=${transport === 'udp' ? port : 0}`,
    'sip_tcp_port=0',
    `sip_tls_port=${transport === 'tls' ? port : 0}`,
    `root_ca=${folder}/ca.pem`,
    'verify_server_certs=1',
    'verify_server_cn=1',
    'guess_hostname=0',
    `contact=<sip:${user}@127.0.0.1>`,
    `media_encryption=${isEncrypted ? 'srtp' : 'none'}`,
    `media_encryption_mandatory=${isEncrypted ? 1 : 0}`,
    '[rtp]',
    `audio_rtp_port=${port + 10_000 - (port % 2)}`,
    '[storage]',
    'uri=null',
    '',
  ].join('\n');
}
