// A NOTIFY may overtake the 2xx to the SUBSCRIBE it belongs to: it makes the dialog then (RFC 6665 section 4.1.2.4).
//
// Invariants
//   ES1. The first notifier gets the subscription; what other forks say is not known here, and gets 481.
//   ES2. An application hears of such a NOTIFY after the answer to its SUBSCRIBE, when it knows the dialog; but T1 after it came at the latest.

import { cseqOf } from '../message/cseq.ts';
import { header, headerValues } from '../message/headers.ts';
import type { SipRequest, SipResponse } from '../message/message.ts';
import { getTag } from '../message/name-addr.ts';
import { TimerSlot } from '../transaction/timers.ts';
import { isConnectionBound, type Source, wayTo } from '../transport/flow.ts';
import type { ClientRequest } from './client-request.ts';
import { contactUri, Dialog, dialogIdOf } from './dialog.ts';
import type { Environment } from './environment.ts';

interface Waiting {
  readonly call: ClientRequest;
  dialog: Dialog | undefined;
  readonly held: (() => void)[];
  readonly patience: TimerSlot;
}

/** NOTIFYs held for one answer: there is one, or a notifier that does not wait for ours. */
const HELD_MAX = 4;

export class EarlySubscriptions {
  readonly #environment: Environment;
  /** SUBSCRIBEs without final response, by dialog id. */
  readonly #waiting = new Map<string, Waiting>();

  constructor(environment: Environment) {
    this.#environment = environment;
  }

  sent(call: ClientRequest): void {
    const patience = new TimerSlot(this.#environment.clock);
    this.#waiting.set(call.dialogId, { call, dialog: undefined, held: [], patience });
  }

  /** The dialog this NOTIFY makes; undefined where nobody waits for it (ES1). */
  made(notify: SipRequest, source: Source): Dialog | undefined {
    const ownTag = getTag(header(notify, 'to') ?? '') ?? '';
    const waiting = this.#waiting.get(dialogIdOf(header(notify, 'call-id') ?? '', ownTag));
    if (notify.method !== 'NOTIFY' || waiting === undefined || waiting.dialog !== undefined) return undefined;
    const dialog = dialogOfNotify(waiting.call, notify, source);
    dialog.confirm();
    this.#environment.dialogs.add(dialog);
    waiting.dialog = dialog;
    return dialog;
  }

  /** Runs `deliver` when the application knows the dialog (ES2). */
  whenKnown(dialog: Dialog, deliver: () => void): void {
    const waiting = this.#waiting.get(dialog.id);
    if (waiting?.dialog !== dialog || waiting.held.length >= HELD_MAX) return deliver();
    waiting.held.push(deliver);
    if (waiting.held.length > 1) return;
    waiting.patience.start(() => release(waiting), this.#environment.timers.t1Ms);
  }

  /** The SUBSCRIBE is over. @returns the dialog that a NOTIFY has made and the response confirms. */
  answered(call: ClientRequest, response: SipResponse): Dialog | undefined {
    const waiting = this.#waiting.get(call.dialogId);
    if (waiting?.call !== call) return undefined;
    this.#waiting.delete(call.dialogId);
    waiting.patience.stop();
    const { dialog } = waiting;
    const isConfirmed = response.status < 300 && getTag(header(response, 'to') ?? '') === dialog?.remoteTag;
    // After the response itself, which is on its way to the application.
    this.#environment.clock.setTimer(() => release(waiting), this.#environment.echoGapMs);
    if (response.status >= 300) dialog?.end();
    return isConfirmed ? dialog : undefined;
  }

  close(): void {
    for (const { patience } of this.#waiting.values()) patience.stop();
    this.#waiting.clear();
  }
}

function release({ held }: Waiting): void {
  for (const deliver of held.splice(0)) deliver();
}

/** Seen from us: we asked, and the notifier's first request made it. Its Record-Route is in our order (RFC 3261 section 12.1.1). */
function dialogOfNotify({ request, application }: ClientRequest, notify: SipRequest, source: Source): Dialog {
  const flow = wayTo(source);
  return new Dialog({
    role: 'uac',
    method: 'SUBSCRIBE',
    callId: header(request, 'call-id') ?? '',
    localTag: getTag(header(request, 'from') ?? '') ?? '',
    remoteTag: getTag(header(notify, 'from') ?? '') ?? '',
    localParty: header(request, 'from') ?? '',
    remoteParty: header(notify, 'from') ?? '',
    routeSet: headerValues(notify, 'record-route'),
    remoteTarget: contactUri(notify) ?? request.uri,
    localSequence: cseqOf(request)?.number ?? 0,
    remoteSequence: undefined,
    localContact: header(request, 'contact') ?? '',
    flow,
    sendTo: isConnectionBound(source.protocol) ? flow : undefined,
    application,
  });
}
