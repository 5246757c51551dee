// Ends a dialog on the engine's own account: BYE with a Reason to the peer, the same BYE as a notice to the application.
import type { HeaderField } from '../message/message.ts';
import type { Dialog } from './dialog.ts';
import type { Environment } from './environment.ts';
import { composeOwn } from './request-composer.ts';
import type { RequestSender } from './request-sender.ts';

/** Why a BYE of the session timers is sent. */
export const SESSION_EXPIRED = 'Session timer expired';
/** Nobody acknowledged our 2xx. */
export const ACK_TIMEOUT = 'ACK timeout';

export class DialogEnder {
  readonly #environment: Environment;
  readonly #sender: RequestSender;

  constructor(environment: Environment, sender: RequestSender) {
    this.#environment = environment;
    this.#sender = sender;
  }

  /**
   * @param text reason shown to both sides: `SIP;cause=200;text="..."`, or what stands for it in Environment.reasons.
   * @param toldAs dialog id under which the application hears of it; null = it does not.
   */
  endWithBye(dialog: Dialog, text: string | undefined, toldAs: string | null = dialog.id): void {
    if (dialog.state === 'ended') return;
    dialog.heldBye = undefined;
    const destination = this.#sender.destinationOf(dialog);
    if (destination !== undefined) {
      const branch = this.#environment.names.branch();
      const extra = text === undefined ? [] : [this.#reason(text)];
      const bye = composeOwn(dialog, destination.hop.local, { method: 'BYE', branch, extra });
      const why = text === SESSION_EXPIRED ? 'session-expired' : 'system-initiated-termination';
      this.#environment.records.stopped(dialog, 'application', why, bye);
      const sent = this.#sender.start(bye, branch, destination, IGNORED);
      if (toldAs !== null && dialog.application.open) {
        dialog.application.unsolicited(toldAs, sent.bytes, sent.peer);
      }
    }
    dialog.end();
  }

  /** Ends a dialog the peer never learnt of, or can hear nothing of any more: the application alone is told, by a BYE that is not sent. */
  endUnheard(dialog: Dialog, text: string): void {
    if (dialog.state === 'ended') return;
    const destination = this.#sender.destinationOf(dialog);
    if (destination !== undefined && dialog.application.open) {
      const extra = [this.#reason(text)];
      const branch = this.#environment.names.branch();
      const bye = composeOwn(dialog, destination.hop.local, { method: 'BYE', branch, extra });
      this.#environment.records.stopped(dialog, 'application', 'system-error-initiated-termination', bye);
      const { bytes, peer } = this.#sender.describe(bye, destination);
      dialog.application.unsolicited(dialog.id, bytes, peer);
    }
    dialog.end();
  }

  #reason(text: string): HeaderField {
    return { name: 'Reason', value: this.#environment.reasons[text] ?? `SIP;cause=200;text="${text}"` };
  }
}

/** The dialog is over whatever the peer answers. */
const IGNORED = { response: () => undefined, failed: () => undefined, terminated: () => undefined };
