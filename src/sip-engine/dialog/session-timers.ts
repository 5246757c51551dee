// Session timers (RFC 4028; wire protocol 4.8): the side that agreed to refreshes the session, the other ends it when no
// refresh comes.
//
//   state       input                          next        action
//   off         2xx with Session-Expires       ours/theirs refresher decides whose
//   ours        half the interval, +-5 s       refreshing  UPDATE where the peer allows it, else re-INVITE with our last SDP
//   ours        other INVITE in progress       ours        try again in 2 s
//   refreshing  2xx                            ours/theirs/off  as its Session-Expires says
//   refreshing  408, 481, nothing              over        BYE "Session timer expired"
//   refreshing  422 with a longer Min-SE       ours        interval raised to that, at once
//   refreshing  other failure of our UPDATE    ours        re-INVITE, at once
//   refreshing  491                            ours        try again in 2.1 to 4 s where the call was ours, within 2 s where it was theirs (RFC 3261 section 14.1)
//   refreshing  other failure, no connection   ours        try again in 10 s
//   ours        the whole interval             over        BYE "Session timer expired"
//   theirs      re-INVITE or UPDATE            theirs      interval starts again
//   ours/theirs our 2xx to it                  ours/theirs/off  as its Session-Expires says
//   theirs      the whole interval             over        BYE "Session timer expired"
//   any         dialog ends                    over
//   ignored: everything in over
//
// Invariants
//   S1. No interval below 90 s is agreed to or asked for (RFC 4028 section 4).
//   S2. Applications are not told of refreshes; they see the BYE when one fails.
import { header } from '../message/headers.ts';
import type { HeaderField, SipRequest, SipResponse } from '../message/message.ts';
import { TimerSlot } from '../transaction/timers.ts';
import { type Dialog, hasOption } from './dialog.ts';
import { type DialogEnder, SESSION_EXPIRED } from './dialog-ender.ts';
import type { Environment } from './environment.ts';
import { composeAck, composeOwn } from './request-composer.ts';
import type { RequestSender } from './request-sender.ts';

const INTERVAL_MIN_S = 90;
/** Refreshes of many calls that began together must not come together. */
const JITTER_MS = 5_000;
const BUSY_RETRY_MS = 2_000;
const FAILURE_RETRY_MS = 10_000;

interface Session {
  intervalS: number;
  whose: 'ours' | 'theirs';
  readonly refresh: TimerSlot;
  readonly expiry: TimerSlot;
}

interface SessionExpires {
  readonly intervalS: number;
  readonly refresher: 'uac' | 'uas' | undefined;
}

export class SessionTimers {
  readonly #environment: Environment;
  readonly #sender: RequestSender;
  readonly #ender: DialogEnder;
  readonly #sessions = new Map<Dialog, Session>();

  constructor(environment: Environment, sender: RequestSender, ender: DialogEnder) {
    this.#environment = environment;
    this.#sender = sender;
    this.#ender = ender;
  }

  /** A 2xx of the peer to our INVITE or UPDATE: only its Session-Expires counts (RFC 4028 section 7.2). */
  answeredByPeer(dialog: Dialog, response: SipResponse): void {
    const agreed = parse(header(response, 'session-expires'));
    if (agreed === undefined) this.#stop(dialog);
    else this.#start(dialog, agreed.intervalS, agreed.refresher === 'uas' ? 'theirs' : 'ours');
  }

  /** Our 2xx went out: only its Session-Expires counts. Without one the peer knows of no interval, and must not lose its call. */
  answeredByUs(dialog: Dialog, response: SipResponse): void {
    const agreed = parse(header(response, 'session-expires'));
    if (agreed === undefined) this.#stop(dialog);
    else this.#start(dialog, agreed.intervalS, agreed.refresher === 'uas' ? 'ours' : 'theirs');
  }

  /**
   * What our 2xx says about the session. The application's word comes first; else what the peer asked is agreed to when it
   * named a refresher or a session is being kept already. A peer that leaves it out of a re-INVITE is reminded of the session
   * kept, where it can refresh or need not; else the session is not timed.
   */
  fieldsForAnswer(request: SipRequest, client: SipResponse, dialog: Dialog | undefined): HeaderField[] {
    const chosen = parse(header(client, 'session-expires'));
    const asked = parse(header(request, 'session-expires'));
    const kept = dialog === undefined ? undefined : this.#sessions.get(dialog);
    const refresher =
      chosen === undefined ? (asked?.refresher ?? (kept && asked ? 'uac' : undefined)) : chosen.refresher;
    const wanted = chosen ?? (refresher === undefined ? undefined : asked);
    if (wanted === undefined) return kept === undefined ? [] : reminder(kept, request);
    const intervalS = Math.max(wanted.intervalS, INTERVAL_MIN_S);
    const fields = [{ name: 'Session-Expires', value: `${intervalS};refresher=${refresher ?? 'uac'}` }];
    // Section 9: a peer that is to refresh must know that we count on it.
    const isSaid = hasOption(client, 'require', 'timer');
    if ((refresher ?? 'uac') === 'uac' && !isSaid && hasOption(request, 'supported', 'timer')) {
      fields.push({ name: 'Require', value: 'timer' });
    }
    return fields;
  }

  /** Kept in requests of the application, so that a re-INVITE of its own does not switch the timer off (section 7.4). */
  fieldsForRequest(dialog: Dialog, client: SipRequest): HeaderField[] {
    const session = this.#sessions.get(dialog);
    if (session === undefined || (client.method !== 'INVITE' && client.method !== 'UPDATE')) return [];
    if (header(client, 'session-expires') !== undefined) return [];
    return sessionFields(session);
  }

  /** Min-SE for a 422, when the peer asks for less than we accept (S1). */
  tooSmall(request: SipRequest): HeaderField | undefined {
    const asked = parse(header(request, 'session-expires'));
    if (asked === undefined || asked.intervalS >= INTERVAL_MIN_S) return undefined;
    return { name: 'Min-SE', value: String(INTERVAL_MIN_S) };
  }

  refreshedByPeer(dialog: Dialog): void {
    const session = this.#sessions.get(dialog);
    if (session?.whose === 'theirs') this.#armExpiry(dialog, session);
  }

  #start(dialog: Dialog, askedS: number, whose: Session['whose']): void {
    if (dialog.state === 'ended') return;
    const intervalS = Math.max(askedS, INTERVAL_MIN_S);
    let session = this.#sessions.get(dialog);
    if (session === undefined) {
      const { clock } = this.#environment;
      session = { intervalS, whose, refresh: new TimerSlot(clock), expiry: new TimerSlot(clock) };
      this.#sessions.set(dialog, session);
      dialog.onEnded.push(() => this.#stop(dialog));
    }
    session.intervalS = intervalS;
    session.whose = whose;
    this.#armExpiry(dialog, session);
    session.refresh.stop();
    if (whose === 'ours') this.#armRefresh(dialog, session, intervalS * 500 + this.#jitterMs());
  }

  #stop(dialog: Dialog): void {
    const session = this.#sessions.get(dialog);
    session?.refresh.stop();
    session?.expiry.stop();
    this.#sessions.delete(dialog);
  }

  #armExpiry(dialog: Dialog, session: Session): void {
    session.expiry.start(() => this.#expire(dialog), session.intervalS * 1_000);
  }

  #armRefresh(dialog: Dialog, session: Session, delayMs: number): void {
    // It may have been given up while the last one was on its way.
    if (this.#sessions.get(dialog) !== session) return;
    session.refresh.start(() => this.#refresh(dialog, session), delayMs);
  }

  #expire(dialog: Dialog): void {
    this.#stop(dialog);
    this.#ender.endWithBye(dialog, SESSION_EXPIRED);
  }

  #refresh(dialog: Dialog, session: Session): void {
    const isBusy = dialog.invitePending || dialog.peerInvitePending !== undefined || dialog.awaitsAck;
    if (isBusy) {
      this.#armRefresh(dialog, session, BUSY_RETRY_MS);
      return;
    }
    const destination = this.#sender.destinationOf(dialog);
    if (destination === undefined) {
      this.#expire(dialog);
      return;
    }
    // An UPDATE without SDP asks for nothing but time; a re-INVITE makes both sides look at their media again (RFC 4028 section 7.4).
    const body = dialog.peerAllowsUpdate ? undefined : dialog.localSdp;
    const method = body === undefined ? 'UPDATE' : 'INVITE';
    const branch = this.#environment.names.branch();
    const extra = [{ name: 'Contact', value: dialog.localContact }, ...sessionFields(session)];
    if (body !== undefined) extra.push({ name: 'Content-Type', value: 'application/sdp' });
    const request = composeOwn(dialog, destination.hop.local, {
      method,
      branch,
      extra,
      ...(body === undefined ? {} : { body }),
    });
    const sequence = Number((header(request, 'cseq') ?? '0').split(' ')[0]);
    if (method === 'INVITE') dialog.invitePending = true;
    this.#sender.start(request, branch, destination, {
      response: (response) => this.#answered(dialog, session, response, method, sequence),
      failed: (cause) => this.#unsent(dialog, session, cause, method),
      terminated: () => dialog.answered.delete(sequence),
    });
  }

  /** A server that is being started anew is there again before the session is over. */
  #unsent(dialog: Dialog, session: Session, cause: 'timeout' | 'transport', method: string): void {
    if (method === 'INVITE') dialog.invitePending = false;
    if (cause === 'timeout') this.#expire(dialog);
    else this.#armRefresh(dialog, session, FAILURE_RETRY_MS);
  }

  #answered(dialog: Dialog, session: Session, response: SipResponse, method: string, sequence: number): void {
    if (response.status < 200) return;
    const stored = dialog.answered.get(sequence)?.ack;
    if (stored !== undefined) {
      if (response.status < 300) void this.#environment.send(stored.flow, stored.bytes);
      return;
    }
    if (method === 'INVITE') dialog.invitePending = false;
    const { status } = response;
    if (dialog.state === 'ended') {
      // A BYE was faster; its peer still waits for the ACK of its 2xx (RFC 5407 section 3.2.3).
      if (method === 'INVITE' && status < 300) this.#acknowledge(dialog, sequence);
    } else if (status < 300) {
      dialog.refreshTarget(response);
      if (method === 'INVITE') this.#acknowledge(dialog, sequence);
      this.answeredByPeer(dialog, response);
    } else if (status === 408 || status === 481) {
      this.#expire(dialog);
    } else if (status === 422 && minSeOf(response) > session.intervalS) {
      session.intervalS = minSeOf(response);
      this.#armRefresh(dialog, session, 0);
    } else if (status === 491) {
      this.#armRefresh(dialog, session, this.#glareMs(dialog));
    } else if (method === 'UPDATE' && dialog.localSdp !== undefined) {
      dialog.peerAllowsUpdate = false;
      this.#armRefresh(dialog, session, 0);
    } else {
      this.#armRefresh(dialog, session, FAILURE_RETRY_MS);
    }
  }

  #acknowledge(dialog: Dialog, sequence: number): void {
    const destination = this.#sender.destinationOf(dialog);
    if (destination === undefined) return;
    const names = { branch: this.#environment.names.branch(), inviteSequence: sequence };
    const composed = composeAck(undefined, dialog, destination.hop.local, names);
    if ('refused' in composed) return;
    this.#sender.sendAck(composed.request, destination, (ack) => {
      dialog.answered.set(sequence, { txnId: '', ack, cancelled: false });
    });
  }

  /** Section 14.1 of RFC 3261: whose Call-ID it is waits longer. */
  #glareMs(dialog: Dialog): number {
    const random = this.#environment.names.sequence();
    return dialog.role === 'uac' ? 2_100 + (random % 1_900) : random % 2_000;
  }

  #jitterMs(): number {
    return (this.#environment.names.sequence() % (2 * JITTER_MS)) - JITTER_MS;
  }
}

/** In a 2xx the refresher is named from the peer's side: its request made it the UAC (RFC 4028 section 9). */
function reminder(session: Session, request: SipRequest): HeaderField[] {
  const { intervalS, whose } = session;
  if (whose === 'ours') return [{ name: 'Session-Expires', value: `${intervalS};refresher=uas` }];
  if (!hasOption(request, 'supported', 'timer')) return [];
  return [
    { name: 'Session-Expires', value: `${intervalS};refresher=uac` },
    { name: 'Require', value: 'timer' },
  ];
}

function sessionFields(session: Session): HeaderField[] {
  const refresher = session.whose === 'ours' ? 'uac' : 'uas';
  return [
    { name: 'Session-Expires', value: `${session.intervalS};refresher=${refresher}` },
    { name: 'Min-SE', value: String(INTERVAL_MIN_S) },
  ];
}

/** 0 where it says none. */
function minSeOf(response: SipResponse): number {
  return Number(/^\s*(\d{1,9})\s*(?:;.*)?$/.exec(header(response, 'min-se') ?? '')?.[1] ?? 0);
}

/** Undefined when absent or no number: a timer nobody can read is no timer. */
function parse(value: string | undefined): SessionExpires | undefined {
  const match = value === undefined ? null : /^\s*(\d{1,9})\s*(;.*)?$/.exec(value);
  if (match === null) return undefined;
  const refresher = /;\s*refresher\s*=\s*(uac|uas)\b/i.exec(match[2] ?? '')?.[1]?.toLowerCase();
  return { intervalS: Number(match[1]), refresher: refresher as SessionExpires['refresher'] };
}
