// Meta lines of the frames the engine sends, token by token (wire protocol sections 1.6, 1.7, 2 and 3).
//
// The client library throws inside its socket handler on an unknown frame type and drops SIP parts it cannot parse, so every
// frame is built here and nowhere else.

/** Six tokens used everywhere: `source|bytes|protocol|address|port|time`. */
export interface Meta {
  readonly source: 'network' | 'application';
  /** Size of the SIP message; 0 when the engine made it itself. */
  readonly bytes: number;
  readonly protocol: string;
  readonly address: string;
  readonly port: number;
}

export interface FrameIds {
  /** A new UUID for each frame. */
  readonly newId: () => string;
  /** Wall clock, milliseconds since the epoch. */
  readonly wallTimeMs: () => number;
}

export function okReply(ids: FrameIds, requestId: string, ...tokens: string[]): string {
  return [ids.newId(), 'response', requestId, 'OK', ...tokens].join('|');
}

export function refusal(ids: FrameIds, requestId: string, verdict: 'NO' | 'NOK', reason: string): string {
  return `${ids.newId()}|response|${requestId}|${verdict}|${oneToken(reason)}`;
}

/** Echo of a request the client sent (2.3, 2.4, 2.6). */
export function requestEcho(ids: FrameIds, requestId: string, meta: Meta, txnId: string): string {
  return `${ids.newId()}|response|${requestId}|OK|${metaTokens(ids, meta)}|${txnId}|Msg sent:|`;
}

/** Echo of a response the client sent (2.7): two tokens more. */
export function responseEcho(ids: FrameIds, requestId: string, meta: Meta, txnId: string, dialogId: string): string {
  return `${ids.newId()}|response|${requestId}|OK|${metaTokens(ids, meta)}|${txnId}|${dialogId}||Msg sent:|`;
}

/** A final response to a request that is passed on (2.8): `continue` is token 12, and keeps the client's request open. */
export function proxyProgress(ids: FrameIds, requestId: string, meta: Meta): string {
  return `${ids.newId()}|response|${requestId}|OK|${metaTokens(ids, meta)}|||continue`;
}

/** A request outside dialogs: 13 tokens with the local address it was received on. */
export function newRequest(ids: FrameIds, meta: Meta, txnId: string, local: { host: string; port: number }): string {
  return `${ids.newId()}|sip|${metaTokens(ids, meta)}|${txnId}||${local.host}|${local.port}|`;
}

/** A response, or a request inside a dialog (dialogId may be empty): 11 tokens. */
export function inContext(ids: FrameIds, meta: Meta, txnId: string, dialogId: string): string {
  return `${ids.newId()}|sip|${metaTokens(ids, meta)}|${txnId}|${dialogId}|`;
}

/** A notice of a call (section 3). */
export function callRecord(ids: FrameIds, event: string, source: Meta['source'], detail: string | undefined): string {
  return [ids.newId(), event, source, timeOf(ids), ...(detail === undefined ? [] : [detail])].join('|');
}

function metaTokens(ids: FrameIds, meta: Meta): string {
  return `${meta.source}|${meta.bytes}|${meta.protocol}|${meta.address}|${meta.port}|${timeOf(ids)}`;
}

function timeOf(ids: FrameIds): string {
  return `${new Date(ids.wallTimeMs()).toISOString().slice(11, 23)}000`;
}

/** No escaping exists: what would break a meta line is replaced. */
function oneToken(text: string): string {
  return text.replaceAll(/[|\r\n]/g, ' ');
}
