// The UDP listeners of a transport layer: usually one, more where it listens on several addresses.

import { isIPv6 } from 'node:net';
import type { Flow, SendFailure, SendOutcome } from './flow.ts';
import { UdpEndpoint, type UdpOptions, type UdpSink } from './udp.ts';

export class UdpEndpoints {
  readonly #endpoints: UdpEndpoint[] = [];

  /** @throws the system error; those that are open stay so until `close`. */
  async open(
    options: Omit<UdpOptions, 'sink'>,
    sinkOf: (endpoint: () => UdpEndpoint | undefined) => UdpSink,
  ): Promise<void> {
    let opened: UdpEndpoint | undefined;
    opened = await UdpEndpoint.open({ ...options, sink: sinkOf(() => opened) });
    this.#endpoints.push(opened);
  }

  get all(): readonly UdpEndpoint[] {
    return this.#endpoints;
  }

  get watchedPeers(): number {
    return this.#endpoints.reduce((sum, { watchedPeers }) => sum + watchedPeers, 0);
  }

  /** By the listener it names, else by the first that gets there; the error of the first where none does. */
  send({ address, port, from }: Flow, bytes: Buffer): Promise<SendOutcome> {
    const endpoint = endpointFor(this.#endpoints, address, from);
    return endpoint === undefined ? Promise.resolve(TRANSPORT_OFF) : endpoint.send(address, port, bytes);
  }

  async close(): Promise<void> {
    await Promise.all(this.#endpoints.splice(0).map((endpoint) => endpoint.close()));
  }
}

export const TRANSPORT_OFF: SendFailure = { outcome: 'unreachable', detail: 'transport is off' };

/** The one of that name if it reaches the address, else the first that does, else the first. */
export function endpointFor<Endpoint extends { readonly address: string; readonly port: number }>(
  endpoints: readonly Endpoint[],
  address: string,
  from: Flow['from'],
): Endpoint | undefined {
  const reaching = endpoints.filter((endpoint) => reaches(endpoint.address, address));
  const named = reaching.find((endpoint) => endpoint.address === from?.address && endpoint.port === from.port);
  return named ?? reaching[0] ?? endpoints[0];
}

/** Only a wildcard socket of IPv6 is dual-stack. */
export function reaches(listening: string, address: string): boolean {
  return listening === '::' || isIPv6(listening) === isIPv6(address);
}
