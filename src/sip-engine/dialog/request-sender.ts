// Sends requests: prints them once, finds their address, starts their client transaction.
//
// Invariants
//   R1. What is returned to be echoed is exactly what goes out; but for the Via of a large request that TCP turned out not to reach.
//   R2. What began over TLS stays there, whatever transport the peer's target asks for later.
//   R3. A host that does not resolve is a transport failure of the transaction, never an exception; in a dialog its requests go back the way it came.
//   R4. A request in a dialog goes where its peer says, but never nearer to us than the peer itself is (reach.ts): else back the way it came.
import { cseqOf } from '../message/cseq.ts';
import { cloneFields, header, isNamed } from '../message/headers.ts';
import type { HeaderField, SipRequest, SipResponse } from '../message/message.ts';
import { serialise } from '../message/serialise.ts';
import { topBranch } from '../message/via.ts';
import type { ClientUser } from '../transaction/layer.ts';
import type { ConnectionId, Flow } from '../transport/flow.ts';
import { UDP_REQUEST_BYTES_MAX } from '../transport/limits.ts';
import type { Peer } from './application.ts';
import type { Dialog } from './dialog.ts';
import type { Environment } from './environment.ts';
import { viaOf } from './local-addresses.ts';
import { type Hop, hopOf } from './next-hop.ts';
import { mayName } from './reach.ts';

export interface Destination {
  readonly hop: Hop;
  readonly connection: ConnectionId | undefined;
  /** In a dialog: where its peer really is (R4). */
  readonly peer?: Flow;
}

/** One form of a request, which differs by transport in its top Via. */
export interface Way {
  readonly request: SipRequest;
  readonly destination: Destination;
}

export interface Sent {
  readonly bytes: Buffer;
  /** For the echo: the local listener over UDP, the remote end over TCP. */
  readonly peer: Peer;
}

/** Places that take no TCP are remembered for so long: each large request would else wait for the connection first. */
const NO_TCP_MS = 600_000;
const NO_TCP_MAX = 256;

export class RequestSender {
  readonly #environment: Environment;
  /** Where TCP failed, until when. */
  readonly #noTcp = new Map<string, number>();

  constructor(environment: Environment) {
    this.#environment = environment;
  }

  /** Where a request of this dialog goes; undefined when its transport is gone or its target is no SIP URI. */
  destinationOf(dialog: Dialog): Destination | undefined {
    const { locals } = this.#environment;
    const { flow, sendTo } = dialog;
    if (sendTo !== undefined) return this.backOver(sendTo);
    const hop = hopOf(dialog.nextHop(), locals, flow.protocol, flow.from);
    if (typeof hop === 'string') return undefined;
    if (flow.protocol === 'tls' && hop.local.protocol !== 'tls') return this.backOver(flow);
    if (hop.literal && !mayName(flow.address, hop.host)) return this.backOver(flow);
    return { hop, connection: hop.local.protocol === flow.protocol ? flow.connection : undefined, peer: flow };
  }

  /**
   * How a request travels that is too large for one datagram (RFC 3261 section 18.1.1); undefined for one that is not, or that cannot. Only its Via
   * tells of TCP: the dialog stays where its Contact says.
   */
  largeWay({ request, destination }: Way): Way | undefined {
    const { hop } = destination;
    const tcp = this.#environment.locals.find('tcp', hop.host);
    if (hop.local.protocol !== 'udp' || tcp === undefined || this.#isWithoutTcp(hop)) return undefined;
    if (serialise(request).length <= UDP_REQUEST_BYTES_MAX) return undefined;
    const branch = topBranch(request);
    const top = request.headers.findIndex((field) => isNamed(field.name, 'via'));
    if (branch === undefined || top === -1) return undefined;
    const headers = request.headers.with(top, { name: 'Via', value: viaOf(tcp, branch) });
    return { request: { ...request, headers }, destination: { hop: { ...hop, local: tcp }, connection: undefined } };
  }

  /** What should have gone there over TCP could not: it goes by UDP after all, and so does what follows. */
  rememberNoTcp({ hop }: Destination): void {
    const key = `${hop.host}|${hop.port}`;
    this.#noTcp.delete(key);
    this.#noTcp.set(key, this.#environment.clock.now() + NO_TCP_MS);
    const oldest = this.#noTcp.keys().next();
    if (this.#noTcp.size > NO_TCP_MAX && oldest.done !== true) this.#noTcp.delete(oldest.value);
  }

  #isWithoutTcp({ host, port }: Hop): boolean {
    return (this.#noTcp.get(`${host}|${port}`) ?? 0) > this.#environment.clock.now();
  }

  /** @throws SipSerialiseError when the request holds text that is no SIP (nothing has been sent then). */
  start(request: SipRequest, branch: string, destination: Destination, user: ClientUser): Sent {
    const bytes = serialise(request);
    const { transactions, statistics } = this.#environment;
    statistics.request('out', request.method);
    // The name of the host may have another address by now.
    const already = request.method === 'CANCEL' ? transactions.flowOfInvite(branch) : undefined;
    this.#withFlow(destination, already, (flow) => {
      if (flow === undefined) return user.failed('transport');
      if (request.method !== 'INVITE') return transactions.startRequest(branch, request.method, flow, bytes, user);
      transactions.startInvite(branch, flow, bytes, (response) => serialise(ackOfFailure(request, response)), user);
    });
    return { bytes, peer: echoPeer(destination.hop) };
  }

  /** Cancels an INVITE that has rung: it ends within 64 T1, and its user hears of that, too. What becomes of the CANCEL interests nobody. */
  cancel(invite: SipRequest, branch: string, destination: Destination): void {
    this.start(cancelOf(invite, []), branch, destination, NOBODY);
    this.#environment.transactions.inviteCancelled(branch);
  }

  /** What `start` would send and where, without sending it. */
  describe(request: SipRequest, destination: Destination): Sent {
    return { bytes: serialise(request), peer: echoPeer(destination.hop) };
  }

  /** An ACK to a 2xx is a transaction of its own that nobody answers. `onSent` gets what to send again if need be. */
  sendAck(request: SipRequest, destination: Destination, onSent: (ack: { bytes: Buffer; flow: Flow }) => void): Sent {
    const bytes = serialise(request);
    this.#environment.statistics.request('out', 'ACK');
    this.#withFlow(destination, undefined, (flow) => {
      if (flow === undefined) return;
      onSent({ bytes, flow });
      void this.#environment.send(flow, bytes);
    });
    return { bytes, peer: echoPeer(destination.hop) };
  }

  /** Over that connection, or to that address. */
  backOver({ protocol, address, port, connection, from }: Flow): Destination | undefined {
    const local = this.#environment.locals.find(protocol, address, from);
    return local === undefined
      ? undefined
      : { hop: { local, host: address, port, literal: true, name: address }, connection };
  }

  #withFlow(
    { hop, connection, peer }: Destination,
    already: Flow | undefined,
    use: (flow: Flow | undefined) => void,
  ): void {
    if (already !== undefined) return use(already);
    const flowTo = (address: string): Flow => ({
      protocol: hop.local.protocol,
      address,
      port: hop.port,
      ...(hop.local.protocol === 'tls' ? { name: hop.name } : {}),
      ...(connection === undefined ? {} : { connection }),
      ...(hop.local.from === undefined ? {} : { from: hop.local.from }),
    });
    if (hop.literal) {
      use(flowTo(hop.host));
      return;
    }
    void this.#environment.resolve(hop.host).then((address) => {
      // R3: a name that only the peer's own network knows.
      if (address === undefined) return use(peer?.protocol === hop.local.protocol ? peer : undefined);
      use(peer !== undefined && !mayName(peer.address, address) ? peer : flowTo(address));
    });
  }
}

const NOBODY: ClientUser = { response: () => undefined, failed: () => undefined, terminated: () => undefined };

export function echoPeer(hop: Hop): Peer {
  const { local } = hop;
  if (local.protocol === 'udp') return { protocol: 'udp', address: local.localHost, port: local.port };
  return { protocol: local.protocol, address: hop.host, port: hop.port };
}

/** ACK to a 3xx-6xx: the INVITE's URI, top Via and Route, the To of the response (RFC 3261 section 17.1.1.3). */
function ackOfFailure(invite: SipRequest, response: SipResponse): SipRequest {
  return sameTransaction(invite, 'ACK', header(response, 'to') ?? header(invite, 'to') ?? '', []);
}

/** CANCEL of an INVITE: everything that identifies the transaction, and nothing more (section 9.1). */
export function cancelOf(invite: SipRequest, extra: readonly HeaderField[]): SipRequest {
  return sameTransaction(invite, 'CANCEL', header(invite, 'to') ?? '', extra);
}

function sameTransaction(
  invite: SipRequest,
  method: 'ACK' | 'CANCEL',
  to: string,
  extra: readonly HeaderField[],
): SipRequest {
  const routes = invite.headers.filter((field) => isNamed(field.name, 'route'));
  const headers: HeaderField[] = [
    { name: 'Via', value: header(invite, 'via') ?? '' },
    { name: 'Max-Forwards', value: '70' },
    ...cloneFields(routes),
    { name: 'From', value: header(invite, 'from') ?? '' },
    { name: 'To', value: to },
    { name: 'Call-ID', value: header(invite, 'call-id') ?? '' },
    { name: 'CSeq', value: `${cseqOf(invite)?.number ?? 0} ${method}` },
    ...extra,
  ];
  return { kind: 'request', method, uri: invite.uri, headers, body: Buffer.alloc(0) };
}
