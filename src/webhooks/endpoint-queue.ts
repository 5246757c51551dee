// What the deliverer remembers of one endpoint while the node runs. None of it is needed after a restart.

import type { Timer } from '../domain/clock.ts';
import type { WebhookLimits } from './limits.ts';
import type { Endpoint } from './records.ts';

export class EndpointQueue {
  endpoint: Endpoint;
  /** Rows that are not done. */
  open: number;
  /** Rows that are being sent, or whose result is not durable yet: they must not be sent again. */
  readonly busy = new Set<number>();
  sending = 0;
  /** The receiver asked to be left alone until then, or the store failed. Wall-clock ms. */
  notBeforeMs = 0;
  /** Set while nothing is due: wakes the queue. */
  timer: Timer | null = null;
  isTrimming = false;
  /** Rows finished since the keeper last looked whether there are too many. */
  finished = 0;
  #isFailing = false;
  #isSlow = false;

  constructor(endpoint: Endpoint, open: number) {
    this.endpoint = endpoint;
    this.open = open;
  }

  get isSuspect(): boolean {
    return this.#isFailing || this.#isSlow;
  }

  /** A receiver that fails gets one attempt at a time until one succeeds. */
  hasRoom(limits: WebhookLimits): boolean {
    return this.endpoint.enabled && this.sending < (this.#isFailing ? 1 : limits.sendingPerEndpointMax);
  }

  met(isDelivered: boolean, isSlow: boolean): void {
    this.#isFailing = !isDelivered;
    this.#isSlow = isSlow;
  }

  /** The endpoint was enabled or changed: what was learned of it may not hold any more. */
  startAnew(endpoint: Endpoint): void {
    this.endpoint = endpoint;
    this.notBeforeMs = 0;
    this.#isFailing = false;
    this.#isSlow = false;
  }

  cancelTimer(): void {
    this.timer?.cancel();
    this.timer = null;
  }
}
