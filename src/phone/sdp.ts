// The little SDP the phone needs (RFC 8866, RFC 3264): one audio line with G.711 and telephone-event.

export type Codec = 'PCMU' | 'PCMA';
export type Direction = 'sendrecv' | 'sendonly' | 'recvonly' | 'inactive';

export const PAYLOAD_TYPE: Readonly<Record<Codec, number>> = { PCMU: 0, PCMA: 8 };
export const EVENT_PAYLOAD_TYPE = 101;

export interface SdpParams {
  readonly address: string;
  readonly port: number;
  readonly codecs: readonly Codec[];
  readonly ptimeMs: number;
  readonly direction: Direction;
  readonly telephoneEvent: boolean;
  /** `o=` session version: raised by each new offer of one dialog. */
  readonly version: number;
}

export function buildSdp(params: SdpParams): string {
  const types = params.codecs.map((codec) => PAYLOAD_TYPE[codec]);
  if (params.telephoneEvent) types.push(EVENT_PAYLOAD_TYPE);
  const lines = [
    'v=0',
    `o=phone 1 ${params.version} IN IP4 ${params.address}`,
    's=-',
    `c=IN IP4 ${params.address}`,
    't=0 0',
    `m=audio ${params.port} RTP/AVP ${types.join(' ')}`,
    ...params.codecs.map((codec) => `a=rtpmap:${PAYLOAD_TYPE[codec]} ${codec}/8000`),
  ];
  if (params.telephoneEvent)
    lines.push(`a=rtpmap:${EVENT_PAYLOAD_TYPE} telephone-event/8000`, `a=fmtp:${EVENT_PAYLOAD_TYPE} 0-15`);
  lines.push(`a=ptime:${params.ptimeMs}`, `a=${params.direction}`);
  return `${lines.join('\r\n')}\r\n`;
}

export interface RemoteAudio {
  readonly address: string;
  readonly port: number;
  readonly payloadTypes: readonly number[];
  /** From rtpmap or the static table, in the order of the m-line; only what the phone speaks. */
  readonly codecs: readonly Codec[];
  readonly eventPayloadType: number | null;
  readonly direction: Direction;
  readonly ptimeMs: number | null;
}

/** The first audio line; null where there is none or it was rejected with port 0. */
export function parseSdp(text: string): RemoteAudio | null {
  const [session = '', ...media] = text.split(/\r?\n(?=m=)/);
  const audio = media.find((section) => section.startsWith('m=audio '));
  const line = /^m=audio (\d+) \S+ ([\d ]+)/.exec(audio ?? '');
  if (!audio || !line || line[1] === '0') return null;
  const address = (/^c=IN IP[46] (\S+)/m.exec(audio) ?? /^c=IN IP[46] (\S+)/m.exec(session))?.[1] ?? '';
  const direction = (/^a=(sendrecv|sendonly|recvonly|inactive)\s*$/m.exec(audio) ??
    /^a=(sendrecv|sendonly|recvonly|inactive)\s*$/m.exec(session))?.[1] as Direction | undefined;
  const payloadTypes = (line[2] ?? '').trim().split(/ +/).map(Number);
  const event = /^a=rtpmap:(\d+) telephone-event\/8000/m.exec(audio);
  const ptime = /^a=ptime:(\d+)/m.exec(audio);
  return {
    address,
    port: Number(line[1]),
    payloadTypes,
    codecs: payloadTypes.flatMap((type) => codecOf(type, audio)),
    eventPayloadType: event ? Number(event[1]) : null,
    direction: direction ?? 'sendrecv',
    ptimeMs: ptime ? Number(ptime[1]) : null,
  };
}

/** The direction with which to answer an offer (RFC 3264 section 6.1). */
export function answeringDirection(offered: Direction): Direction {
  const mirror = { sendrecv: 'sendrecv', sendonly: 'recvonly', recvonly: 'sendonly', inactive: 'inactive' } as const;
  return mirror[offered];
}

function codecOf(type: number, audio: string): Codec[] {
  const name = new RegExp(`^a=rtpmap:${type} (PCM[UA])/8000`, 'im').exec(audio)?.[1]?.toUpperCase();
  if (name === 'PCMU' || name === 'PCMA') return [name];
  if (type === PAYLOAD_TYPE.PCMU) return ['PCMU'];
  return type === PAYLOAD_TYPE.PCMA ? ['PCMA'] : [];
}
