// Notices of calls for applications that asked for them: attempted, started, stopped (wire protocol section 3, `cdr:` verbs).
//
// Invariants
//   CR1. Each start has one stop, each refused attempt one stop; an attempt that nobody answered has none until its INVITE is over.
//   CR2. Each notice goes to one application, of those that asked for it; nothing is done for calls that nobody asked about.

import type { SipMessage } from '../message/message.ts';
import type { ApplicationPool } from './application.ts';
import type { Dialog } from './dialog.ts';

export type RecordSource = 'network' | 'application';
export type RecordRole = 'uac' | 'uas' | 'proxy-uac';
export type StopReason =
  | 'call-rejected'
  | 'call-canceled'
  | 'normal-release'
  | 'session-expired'
  | 'system-initiated-termination'
  | 'system-error-initiated-termination';

export class CallRecords {
  readonly #applications: ApplicationPool;
  /** Calls that have started. */
  readonly #started = new WeakSet<Dialog>();

  constructor(applications: ApplicationPool) {
    this.#applications = applications;
  }

  attempted(source: RecordSource, invite: SipMessage): void {
    this.#tell('cdr:attempt', source, undefined, invite);
  }

  refused(source: RecordSource, response: SipMessage & { readonly status: number }): void {
    this.#tell('cdr:stop', source, response.status === 487 ? 'call-canceled' : 'call-rejected', response);
  }

  started(dialog: Dialog, source: RecordSource, response: SipMessage): void {
    if (this.#started.has(dialog)) return;
    this.#started.add(dialog);
    this.#tell('cdr:start', source, dialog.role, response);
  }

  /** Idempotent; of a dialog that is no call, or never started, there is nothing to tell (CR1). */
  stopped(dialog: Dialog, source: RecordSource, reason: StopReason, bye: SipMessage): void {
    if (this.#started.delete(dialog)) this.#tell('cdr:stop', source, reason, bye);
  }

  /** Calls that are only passed on have no dialog here. */
  passedOn(event: 'cdr:start' | 'cdr:stop', detail: 'proxy-uac' | 'normal-release', message: SipMessage): void {
    this.#tell(event, 'network', detail, message);
  }

  #tell(
    event: 'cdr:attempt' | 'cdr:start' | 'cdr:stop',
    source: RecordSource,
    detail: RecordRole | StopReason | undefined,
    message: SipMessage,
  ): void {
    this.#applications.pick(event)?.callRecord(event, source, detail, message);
  }
}
