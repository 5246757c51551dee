// Session descriptions read from the network (RFC 8866). Tolerant of what carriers really send, strict about what would change
// a meaning.
//
// Invariants
//   P1. Never throws; work and memory are bounded by the limits below, whatever the text.
//   P2. Unknown lines, attributes and unreadable optional attributes are skipped. Wrong o=, c= and m= lines refuse the description:
//       guessing there sends audio to a wrong place.
//
// Tolerated: bare LF or CR as line end, missing s= and t=, blank lines at the end, blanks at line ends, text as session id.

import { isIP } from 'node:net';
import type { Connection, MediaDirection, MediaSection, Origin, RtpMap, SessionDescription } from './session.ts';
import { CRYPTO_LINES_MAX, type CryptoLine, parseCrypto } from './crypto.ts';
import { addTransportAttribute, type DraftTransport, emptyTransport, inherited } from './transport.ts';

/** Largest description: WebRTC offers with all codecs reach 8 KiB, carriers' ones 2 KiB. */
const TEXT_CHARACTERS_MAX = 16_384;
/** m= lines; calls have one or two. */
const MEDIA_MAX = 16;
/** Formats in one m= line; 128 payload types exist. */
const FORMATS_MAX = 128;
/** One BUNDLE group is the rule. */
const BUNDLES_MAX = 4;

/** RFC 8866 section 9. */
const TOKEN = /^[!#$%&'*+\-.0-9A-Z^_`a-z{|}~]{1,64}$/;
const isToken = (text: string) => TOKEN.test(text);

export type SdpFault =
  | 'too_large'
  | 'not_sdp'
  | 'bad_line'
  | 'bad_origin'
  | 'bad_connection'
  | 'bad_media'
  | 'too_many_media';

export type ParseOutcome =
  | { readonly ok: true; readonly session: SessionDescription }
  | { readonly ok: false; readonly code: SdpFault; readonly detail: string };

type Failure = Extract<ParseOutcome, { ok: false }>;

export function parseSdp(text: string): ParseOutcome {
  if (text.length > TEXT_CHARACTERS_MAX) return failure('too_large', `${text.length} characters`);
  const lines = text.split(/\r\n|\n|\r/).map((line) => line.trimEnd());
  while (lines.at(-1) === '') lines.pop();
  if (lines[0] !== 'v=0') return failure('not_sdp', 'the first line is not v=0');

  const draft: Draft = {
    origin: null,
    connection: null,
    direction: null,
    keyed: false,
    media: [],
    bundles: [],
    transport: emptyTransport(),
  };
  for (const line of lines) {
    const failed = addLine(draft, line);
    if (failed !== null) return failed;
  }
  const { origin, connection, direction, bundles } = draft;
  if (origin === null) return failure('bad_origin', 'no o= line');
  const media = draft.media.map((section) => ({
    ...section,
    keyed: section.keyed || draft.keyed,
    transport: inherited(section.transport, draft.transport),
  }));
  return { ok: true, session: { origin, connection, direction, media, bundles } };
}

type Writable<T> = { -readonly [K in keyof T]: T[K] };
type DraftMedia = Writable<
  Omit<MediaSection, 'rtpmaps' | 'formatParameters' | 'extensions' | 'crypto' | 'transport'>
> & {
  rtpmaps: Map<number, RtpMap>;
  formatParameters: Map<number, string>;
  extensions: Map<number, string>;
  crypto: CryptoLine[];
  transport: DraftTransport;
};

interface Draft {
  origin: Origin | null;
  connection: Connection | null;
  direction: MediaDirection | null;
  keyed: boolean;
  media: DraftMedia[];
  bundles: string[][];
  transport: DraftTransport;
}

function addLine(draft: Draft, line: string): Failure | null {
  // A line is `<letter>=<value>` (RFC 8866 section 5); a NUL or a line without it shows that this is something else.
  if (line.charCodeAt(1) !== 0x3d || line.includes('\0')) return failure('bad_line', line.slice(0, 40));
  const value = line.slice(2);
  const media = draft.media.at(-1);
  switch (line.charAt(0)) {
    case 'o':
      draft.origin = parseOrigin(value);
      return draft.origin === null ? failure('bad_origin', line.slice(0, 80)) : null;
    case 'c': {
      const connection = parseConnection(value);
      if (connection === null) return failure('bad_connection', line.slice(0, 80));
      if (media === undefined) draft.connection = connection;
      else media.connection ??= connection;
      return null;
    }
    case 'm': {
      if (draft.media.length === MEDIA_MAX) return failure('too_many_media', `more than ${MEDIA_MAX} m= lines`);
      const section = parseMedia(value);
      if (section === null) return failure('bad_media', line.slice(0, 80));
      draft.media.push(section);
      return null;
    }
    case 'a':
      addAttribute(draft, media, value);
      return null;
    default:
      return null;
  }
}

/** `<username> <sess-id> <sess-version> <nettype> <addrtype> <unicast-address>` */
function parseOrigin(value: string): Origin | null {
  const [username, sessionId, sessionVersion, netType, , address, ...rest] = value.split(/ +/);
  if (!username || !sessionId || !sessionVersion || netType !== 'IN' || !address || rest.length > 0) return null;
  return { username, sessionId, sessionVersion, address };
}

/** `IN IP4 <address>[/ttl[/count]]` */
function parseConnection(value: string): Connection | null {
  const [netType, addressType, given, ...rest] = value.split(/ +/);
  if (netType !== 'IN' || !given || rest.length > 0) return null;
  const family = addressType === 'IP4' ? 4 : addressType === 'IP6' ? 6 : null;
  const address = given.split('/', 1)[0] ?? '';
  if (family === null || address === '') return null;
  const kind = isIP(address);
  if (kind === 0 ? !/^[A-Za-z0-9]([A-Za-z0-9.-]{0,252})$/.test(address) : kind !== family) return null;
  return { family, address };
}

/** `<media> <port>[/<count>] <proto> <fmt> …` */
function parseMedia(value: string): DraftMedia | null {
  const [kind, portText, protocol, ...formats] = value.split(/ +/);
  const port = /^(\d{1,5})(?:\/\d{1,5})?$/.exec(portText ?? '')?.[1];
  if (port === undefined || Number(port) > 65_535 || formats.length === 0 || formats.length > FORMATS_MAX) return null;
  // They are written back in our answer.
  if (!kind || !protocol || ![kind, ...protocol.split('/'), ...formats].every(isToken)) {
    return null;
  }
  return {
    kind: kind.toLowerCase(),
    port: Number(port),
    protocol,
    formats,
    connection: null,
    direction: null,
    rtpmaps: new Map(),
    formatParameters: new Map(),
    ptimeMs: null,
    maxptimeMs: null,
    rtcpMux: false,
    rtcpPort: null,
    keyed: false,
    crypto: [],
    mid: null,
    bundleOnly: false,
    extensions: new Map(),
    ssrc: null,
    transport: emptyTransport(),
  };
}

function addAttribute(draft: Draft, media: DraftMedia | undefined, text: string): void {
  const colon = text.indexOf(':');
  const name = colon === -1 ? text : text.slice(0, colon);
  const value = colon === -1 ? '' : text.slice(colon + 1).trim();
  if (name === 'sendrecv' || name === 'sendonly' || name === 'recvonly' || name === 'inactive') {
    (media ?? draft).direction = name;
    return;
  }
  if (name === 'crypto' || name === 'fingerprint') (media ?? draft).keyed = true;
  if (addTransportAttribute((media ?? draft).transport, name, value)) return;
  if (media !== undefined) addMediaAttribute(media, name, value);
  else if (name === 'group') addGroup(draft, value);
}

/** `BUNDLE <mid> <mid> …` */
function addGroup(draft: Draft, value: string): void {
  const [semantics, ...mids] = value.split(/ +/);
  if (semantics === 'BUNDLE' && draft.bundles.length < BUNDLES_MAX) draft.bundles.push(mids.slice(0, MEDIA_MAX));
}

function addMediaAttribute(media: DraftMedia, name: string, value: string): void {
  switch (name) {
    case 'rtpmap':
      addRtpMap(media, value);
      return;
    case 'fmtp': {
      const match = /^(\d{1,3}) +(.+)$/.exec(value);
      if (match) media.formatParameters.set(Number(match[1]), match[2] ?? '');
      return;
    }
    case 'ptime':
      media.ptimeMs = milliseconds(value);
      return;
    case 'maxptime':
      media.maxptimeMs = milliseconds(value);
      return;
    case 'rtcp-mux':
      media.rtcpMux = true;
      return;
    case 'rtcp': {
      const port = Number.parseInt(value, 10);
      if (port > 0 && port <= 65_535) media.rtcpPort = port;
      return;
    }
    case 'crypto': {
      const line = parseCrypto(value);
      const isFurther = line !== null && media.crypto.every(({ tag }) => tag !== line.tag);
      if (isFurther && media.crypto.length < CRYPTO_LINES_MAX) media.crypto.push(line);
      return;
    }
    case 'mid':
      if (isToken(value)) media.mid ??= value;
      return;
    case 'bundle-only':
      media.bundleOnly = true;
      return;
    case 'ssrc':
      if (/^\d{1,10} /.test(value)) media.ssrc ??= Number.parseInt(value, 10) >>> 0;
      return;
    case 'extmap': {
      const match = /^(\d{1,3})(?:\/[a-z]+)? +(\S{1,120})/.exec(value);
      if (match && Number(match[1]) <= 255) media.extensions.set(Number(match[1]), match[2] ?? '');
    }
  }
}

/** `<payload type> <encoding>/<clock rate>[/<channels>]` */
function addRtpMap(media: DraftMedia, value: string): void {
  const match = /^(\d{1,3}) +([A-Za-z0-9._-]{1,64})\/(\d{1,6})(?:\/(\d{1,2}))?$/.exec(value);
  if (!match) return;
  const [, payloadType, encoding = '', clockRate, channels = '1'] = match;
  if (Number(payloadType) > 127 || media.rtpmaps.has(Number(payloadType))) return;
  media.rtpmaps.set(Number(payloadType), {
    encoding: encoding.toUpperCase(),
    clockRateHz: Number(clockRate),
    channels: Number(channels),
  });
}

function milliseconds(value: string): number | null {
  const match = /^(\d{1,4})(?:\.\d+)?$/.exec(value);
  return match && Number(match[1]) > 0 ? Number(match[1]) : null;
}

function failure(code: SdpFault, detail: string): Failure {
  return { ok: false, code, detail };
}
