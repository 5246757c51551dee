import { type RawMessage, type RawSipPeer, responseText, SDP } from '../../support/raw-sip-peer.ts';
import { clientRequest, unique } from './caller.ts';
import type { Target } from './target.ts';
import { type Frame, headerOf, tagOf, type WireClient } from './wire-client.ts';

export interface OutboundCall {
  readonly echo: Frame;
  readonly invite: RawMessage;
  readonly txnId: string;
  readonly dialogId: string;
}

/** The application calls the peer; the INVITE has arrived there. */
export async function placeCall(
  client: WireClient,
  peer: RawSipPeer,
  headers: readonly string[] = [],
): Promise<OutboundCall> {
  const uri = `sip:callee@127.0.0.1:${peer.port}`;
  const echo = await client.ask('sip||', clientRequest('INVITE', uri, headers, SDP));
  const invite = await peer.next('INVITE');
  const dialogId = `${headerOf(echo.sip, 'Call-ID')};from-tag=${tagOf(echo.sip, 'From')}`;
  return { echo, invite, txnId: echo.tokens[10] ?? '', dialogId };
}

/** The peer answers 200 and the application acknowledges. */
export async function answerCall(
  target: Target,
  client: WireClient,
  peer: RawSipPeer,
  call: OutboundCall,
  options: Parameters<typeof responseText>[3] = {},
): Promise<{ ack: RawMessage; toTag: string; ok: string }> {
  const toTag = options.toTag ?? unique('tt');
  const ok = responseText(peer, call.invite, 200, { body: SDP, ...options, toTag });
  peer.send(ok, target.sipPort);
  await client.nextSip('SIP/2.0 200');
  await client.ask(`sip||${call.dialogId}`, clientRequest('ACK', 'sip:placeholder'));
  return { ack: await peer.next('ACK'), toTag, ok };
}

/** A request of the peer towards the engine in the dialog of an outbound call. */
export function fromCallee(
  peer: RawSipPeer,
  call: OutboundCall,
  request: {
    method: string;
    sequence: number;
    toTag: string;
    extra?: readonly string[];
    body?: string;
    contact?: string;
  },
): string {
  const body = request.body ?? '';
  return [
    `${request.method} ${/<([^>]+)>/.exec(call.invite.header('Contact'))?.[1]} SIP/2.0`,
    `Via: SIP/2.0/${peer.transport} 127.0.0.1:${peer.port};branch=${unique('z9hG4bK')}`,
    'Max-Forwards: 70',
    `From: ${call.invite.header('To')};tag=${request.toTag}`,
    `To: ${call.invite.header('From')}`,
    `Call-ID: ${call.invite.header('Call-ID')}`,
    `CSeq: ${request.sequence} ${request.method}`,
    `Contact: ${request.contact ?? `<sip:callee@127.0.0.1:${peer.port}>`}`,
    ...(request.extra ?? []),
    ...(body === '' ? [] : ['Content-Type: application/sdp']),
    `Content-Length: ${Buffer.byteLength(body)}`,
    '',
    body,
  ].join('\r\n');
}
