// Whether a request from outside any dialog is shown to an application, or refused by the engine itself (RFC 3261 sections 8.2, 10.3).

import { header, headerValues } from '../message/headers.ts';
import type { HeaderField, SipRequest } from '../message/message.ts';
import { getTag } from '../message/name-addr.ts';
import { parseUri } from '../message/uri.ts';
import { dialogIdOf } from './dialog.ts';
import type { Environment } from './environment.ts';
import { loopRefusal } from './loops.ts';
import type { SessionTimers } from './session-timers.ts';
import type { WaitingRequests } from './waiting-requests.ts';

/** Option tags an application built on the wire protocol can honour; anything else in Require is answered 420. */
const EXTENSIONS = new Set(['100rel', 'timer', 'replaces', 'norefersub', 'tdialog', 'histinfo']);
/** Methods that exist and that an application may ask for with `route`. */
const ROUTED = new Set(['INVITE', 'REGISTER', 'MESSAGE', 'OPTIONS', 'INFO', 'NOTIFY', 'SUBSCRIBE', 'PUBLISH']);
const KNOWN_UNROUTED = new Set(['REFER']);
const ALLOW: HeaderField = {
  name: 'Allow',
  value: 'INVITE, ACK, CANCEL, BYE, OPTIONS, INFO, PRACK, UPDATE',
};

export interface Refused {
  readonly status: number;
  readonly extra?: HeaderField;
}

export class Admission {
  readonly #environment: Environment;
  readonly #waiting: WaitingRequests;
  readonly #sessionTimers: SessionTimers;

  constructor(environment: Environment, waiting: WaitingRequests, sessionTimers: SessionTimers) {
    this.#environment = environment;
    this.#waiting = waiting;
    this.#sessionTimers = sessionTimers;
  }

  /** Undefined: an application may have it. */
  judge(request: SipRequest): Refused | undefined {
    const scheme = parseUri(request.uri)?.scheme;
    if (scheme !== 'sip' && scheme !== 'sips' && scheme !== 'tel') return { status: 416 };
    const looped = loopRefusal(request, this.#environment.names.isOwnBranch);
    if (looped !== undefined) return { status: looped };
    const unsupported = headerValues(request, 'require').filter((option) => !EXTENSIONS.has(option.toLowerCase()));
    if (unsupported.length > 0) return { status: 420, extra: { name: 'Unsupported', value: unsupported.join(', ') } };
    if (request.method === 'REGISTER' && isWildRegistration(request)) return { status: 400 };
    if (request.method !== 'INVITE') return undefined;
    const minSe = this.#sessionTimers.tooSmall(request);
    if (minSe !== undefined) return { status: 422, extra: minSe };
    const id = dialogIdOf(header(request, 'call-id') ?? '', getTag(header(request, 'from') ?? '') ?? '');
    if (this.#environment.dialogs.full) return { status: 503, extra: retrySoon(this.#environment) };
    const known = this.#environment.dialogs.byId(id);
    // Our own INVITE that came back through a proxy would share its id with the dialog it made.
    if (known?.role === 'uac' || this.#waiting.isMerged(request)) return { status: 482 };
    return known !== undefined || this.#waiting.hasOpenInvite(id) ? { status: 491 } : undefined;
  }
}

/** What a method is answered that no application has asked for. */
export function unrouted(method: string): Refused {
  if (ROUTED.has(method)) return { status: 503 };
  return { status: KNOWN_UNROUTED.has(method) ? 405 : 501, extra: ALLOW };
}

/** Some seconds, and not the same for all. */
export function retrySoon({ names }: Environment): HeaderField {
  return { name: 'Retry-After', value: String(names.sequence() % 10) };
}

/** `Contact: *` removes registrations, and only with Expires: 0 (section 10.2.2). */
function isWildRegistration(register: SipRequest): boolean {
  return headerValues(register, 'contact').includes('*') && header(register, 'expires')?.trim() !== '0';
}
