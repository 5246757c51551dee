// A SIP caller that is cheap enough to place hundreds of calls a second from one core: one socket, one timer, texts from
// templates. It is a correct UAC for the plain call (INVITE, ACK, BYE over UDP, copies until answered) and nothing more;
// src/phone is the one for everything else.

import type { Socket } from 'node:dgram';
import { bindUdp } from '../support/dgram.ts';

export interface SipTarget {
  readonly host: string;
  readonly port: number;
  readonly user: string;
}

export type CallEvent =
  | { readonly type: 'answered'; readonly setupMs: number; readonly remotePort: number }
  | { readonly type: 'failed'; readonly status: number }
  | { readonly type: 'ended'; readonly byeMs: number; readonly byRemote: boolean }
  /** BYE without an answer. */
  | { readonly type: 'lost' };

export interface LoadCall {
  readonly id: string;
  /** Sends BYE; `ended` or `lost` follows. */
  bye(): void;
}

/** Timer T1 and how long a request may stay without a final answer (a quarter of RFC 3261's 64*T1: later is a failure here). */
const T1_MS = 500;
const GIVE_UP_MS = 8000;
const SWEEP_MS = 50;
const SOCKET_BUFFER_BYTES = 8 << 20;
/** Status reported where no final answer came at all. */
export const NO_ANSWER = 408;

interface Dialog {
  readonly id: string;
  readonly number: number;
  readonly fromTag: string;
  readonly rtpPort: number;
  readonly onEvent: (event: CallEvent) => void;
  phase: 'inviting' | 'proceeding' | 'up' | 'leaving' | 'over';
  to: string;
  target: string;
  pending: string;
  sentMs: number;
  resendMs: number;
  intervalMs: number;
}

export class SipCaller {
  /** Copies of requests that had to be sent. */
  retransmissions = 0;
  readonly #target: SipTarget;
  readonly #socket: Socket;
  readonly #port: number;
  readonly #dialogs = new Map<string, Dialog>();
  readonly #sweep: NodeJS.Timeout;
  readonly #run = Math.random().toString(36).slice(2, 10);
  #calls = 0;

  static async open(target: SipTarget, host = '127.0.0.1'): Promise<SipCaller> {
    return new SipCaller(target, await bindUdp(SOCKET_BUFFER_BYTES, host));
  }

  private constructor(target: SipTarget, socket: Socket) {
    this.#target = target;
    this.#socket = socket;
    this.#port = socket.address().port;
    socket.on('message', (bytes) => this.#receive(bytes.toString('latin1')));
    this.#sweep = setInterval(() => this.#resend(performance.now()), SWEEP_MS);
  }

  get live(): number {
    return this.#dialogs.size;
  }

  place(rtpPort: number, onEvent: (event: CallEvent) => void): LoadCall {
    const number = ++this.#calls;
    const id = `${this.#run}-${number}@127.0.0.1`;
    const { user, host, port } = this.#target;
    const now = performance.now();
    const dialog: Dialog = {
      id,
      number,
      fromTag: `f${number}`,
      rtpPort,
      onEvent,
      phase: 'inviting',
      to: `<sip:${user}@${host}:${port}>`,
      target: `sip:${user}@${host}:${port}`,
      pending: '',
      sentMs: now,
      resendMs: now + T1_MS,
      intervalMs: T1_MS,
    };
    dialog.pending = this.#request(dialog, 'INVITE', 1, offer(rtpPort));
    this.#dialogs.set(id, dialog);
    this.#send(dialog.pending);
    return { id, bye: () => this.#bye(dialog) };
  }

  close(): void {
    clearInterval(this.#sweep);
    this.#socket.close();
  }

  #bye(dialog: Dialog): void {
    if (dialog.phase !== 'up') return;
    dialog.phase = 'leaving';
    dialog.sentMs = performance.now();
    dialog.intervalMs = T1_MS;
    dialog.resendMs = dialog.sentMs + T1_MS;
    dialog.pending = this.#request(dialog, 'BYE', 2, '');
    this.#send(dialog.pending);
  }

  #receive(text: string): void {
    const id = headerOf(text, 'Call-ID', 'i');
    const dialog = this.#dialogs.get(id);
    if (!dialog) {
      if (text.startsWith('BYE ')) this.#send(okFor(text));
      return;
    }
    if (!text.startsWith('SIP/2.0 ')) this.#requested(dialog, text);
    else if (headerOf(text, 'CSeq').endsWith('INVITE')) this.#inviteAnswered(dialog, text);
    else if (dialog.phase === 'leaving' && Number(text.slice(8, 11)) >= 200) {
      this.#over(dialog, { type: 'ended', byeMs: performance.now() - dialog.sentMs, byRemote: false });
    }
  }

  #requested(dialog: Dialog, text: string): void {
    if (text.startsWith('ACK ')) return;
    this.#send(okFor(text));
    if (text.startsWith('BYE ')) this.#over(dialog, { type: 'ended', byeMs: 0, byRemote: true });
  }

  #inviteAnswered(dialog: Dialog, text: string): void {
    const status = Number(text.slice(8, 11));
    const open = dialog.phase === 'inviting' || dialog.phase === 'proceeding';
    if (status < 200) {
      if (open) dialog.phase = 'proceeding';
      return;
    }
    if (status >= 300) {
      this.#send(this.#ackFailure(dialog, headerOf(text, 'To', 't')));
      if (open) this.#over(dialog, { type: 'failed', status });
      return;
    }
    if (open) {
      dialog.phase = 'up';
      dialog.to = headerOf(text, 'To', 't');
      dialog.target = /<([^>]+)>/.exec(headerOf(text, 'Contact', 'm'))?.[1] ?? dialog.target;
    }
    this.#send(this.#request(dialog, 'ACK', 1, ''));
    if (!open) return;
    const remotePort = Number(/\r\nm=audio (\d+)/.exec(text)?.[1] ?? 0);
    dialog.onEvent({ type: 'answered', setupMs: performance.now() - dialog.sentMs, remotePort });
  }

  #over(dialog: Dialog, event: CallEvent): void {
    dialog.phase = 'over';
    this.#dialogs.delete(dialog.id);
    dialog.onEvent(event);
  }

  #resend(now: number): void {
    for (const dialog of this.#dialogs.values()) {
      if (dialog.phase === 'up' || dialog.phase === 'over') continue;
      if (now - dialog.sentMs > GIVE_UP_MS) {
        this.#over(dialog, dialog.phase === 'leaving' ? { type: 'lost' } : { type: 'failed', status: NO_ANSWER });
      } else if (dialog.phase !== 'proceeding' && now >= dialog.resendMs) {
        dialog.intervalMs *= 2;
        dialog.resendMs = now + dialog.intervalMs;
        this.retransmissions++;
        this.#send(dialog.pending);
      }
    }
  }

  #send(text: string): void {
    this.#socket.send(text, this.#target.port, this.#target.host);
  }

  #request(dialog: Dialog, method: string, sequence: number, body: string): string {
    const uri = dialog.target;
    return (
      `${method} ${uri} SIP/2.0\r\n` +
      `Via: SIP/2.0/UDP 127.0.0.1:${this.#port};branch=z9hG4bK${this.#run}${dialog.number}${method};rport\r\n` +
      'Max-Forwards: 70\r\n' +
      `From: <sip:+12025550199@127.0.0.1:${this.#port}>;tag=${dialog.fromTag}\r\n` +
      `To: ${dialog.to}\r\n` +
      `Call-ID: ${dialog.id}\r\n` +
      `CSeq: ${sequence} ${method}\r\n` +
      `Contact: <sip:load@127.0.0.1:${this.#port}>\r\n` +
      (body ? 'Content-Type: application/sdp\r\n' : '') +
      `Content-Length: ${body.length}\r\n\r\n${body}`
    );
  }

  /** Same branch as the INVITE, tag of the response. */
  #ackFailure(dialog: Dialog, to: string): string {
    const ack = this.#request({ ...dialog, to }, 'ACK', 1, '');
    return ack.replace(`${dialog.number}ACK;rport`, `${dialog.number}INVITE;rport`);
  }
}

function offer(port: number): string {
  return (
    'v=0\r\no=load 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n' +
    `m=audio ${port} RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\na=ptime:20\r\na=sendrecv\r\n`
  );
}

function headerOf(text: string, name: string, compact = name): string {
  return new RegExp(`^(?:${name}|${compact})\\s*:\\s*(.*)$`, 'im').exec(text)?.[1]?.trim() ?? '';
}

function okFor(request: string): string {
  const end = request.indexOf('\r\n\r\n');
  const kept = request
    .slice(0, end)
    .split('\r\n')
    .filter((line) => /^(via|v|from|f|to|t|call-id|i|cseq)\s*:/i.test(line));
  return ['SIP/2.0 200 OK', ...kept, 'Content-Length: 0', '', ''].join('\r\n');
}
