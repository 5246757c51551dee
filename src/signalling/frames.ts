// The frames between the client library and the SIP engine, looked at before the library does: counted, and kept from it where its
// parser would give up, because it then prints the whole message, numbers and all, past the log and its redaction.

export interface SignallingObserver {
  request(method: string, direction: 'in' | 'out'): void;
  response(method: string, status: number, direction: 'in' | 'out'): void;
  /** Each message, secrets and all. */
  message?(message: WireMessage): void;
}

export interface WireMessage {
  readonly direction: 'in' | 'out';
  /** Empty where the engine does not say. */
  readonly transport: string;
  /** The other side; null where the engine does not say. */
  readonly peer: string | null;
  readonly text: string;
}

/** Bounds the method label of counters: a peer can invent as many methods as it likes. */
const COUNTED_METHOD =
  /^(?:INVITE|ACK|CANCEL|BYE|OPTIONS|INFO|PRACK|UPDATE|REGISTER|MESSAGE|SUBSCRIBE|NOTIFY|PUBLISH|REFER)$/;

/**
 * Counts at the wire, where everything passes: requests and responses from the network, and the echoes of what was sent.
 * `<id>|sip|network|…` or `<id>|response|<id>|OK|application|…`, then CRLF and the message.
 */
export function countFrame(text: string, observer: SignallingObserver): void {
  const metaEnd = text.indexOf('\r\n');
  if (metaEnd === -1) return;
  const meta = text.slice(0, metaEnd).split('|', 10);
  const [, type, source, verdict] = meta;
  const direction = type === 'sip' && source === 'network' ? 'in' : 'out';
  if (type !== 'sip' && verdict !== 'OK') return;
  const message = text.slice(metaEnd + 2);
  const line = message.slice(0, message.indexOf('\r\n'));
  const place = placeOf(meta, direction, line);
  if (place !== null) observer.message?.({ direction, ...place, text: message });
  if (!line.startsWith('SIP/')) return observer.request(countedMethod(line.split(' ', 1)[0]), direction);
  const method = /^cseq\s*:\s*\d+\s+(\S+)/im.exec(message)?.[1];
  observer.response(countedMethod(method), Number(line.slice(8, 11)), direction);
}

/**
 * `…|bytes|protocol|address|port|time`, after `network`, or after `application` where it is an echo (drachtio's meta block). Of an echoed request
 * the address is our own: it goes where its URI says. Null: no message passed, the engine answered itself.
 */
function placeOf(
  meta: readonly string[],
  direction: 'in' | 'out',
  line: string,
): Pick<WireMessage, 'transport' | 'peer'> | null {
  const at = direction === 'in' ? 3 : 5;
  const [bytes = '0', transport = '', address = '', port = '0'] = meta.slice(at, at + 4);
  if (direction === 'in' && bytes === '0') return null;
  const isRequest = !line.startsWith('SIP/');
  if (direction === 'out' && isRequest) return { transport, peer: hostOf(line.split(' ', 2)[1] ?? '') };
  return { transport, peer: address === '' ? null : `${address.includes(':') ? `[${address}]` : address}:${port}` };
}

function hostOf(uri: string): string | null {
  return /^sips?:(?:[^@]*@)?(\[[^\]]+\](?::\d+)?|[^;?>]+)/i.exec(uri)?.[1] ?? null;
}

function countedMethod(method: string | undefined): string {
  return method !== undefined && COUNTED_METHOD.test(method) ? method : 'other';
}

const REQUEST_LINE = /^[A-Za-z0-9\-.!%*_+`'~]+ \S+ SIP\/\d\.\d$/;
const STATUS_LINE = /^SIP\/\d\.\d \d{3}(?: .*)?$/;

/** Whether the SIP part of a frame, where it has one, is lines of `name: value` under a start line. */
export function isReadable(text: string): boolean {
  const metaEnd = text.indexOf('\r\n');
  if (metaEnd === -1) return true;
  const headEnd = text.indexOf('\r\n\r\n', metaEnd);
  if (headEnd === -1) return false;
  const [startLine = '', ...lines] = text.slice(metaEnd + 2, headEnd).split(/\r\n(?![ \t])/);
  return (REQUEST_LINE.test(startLine) || STATUS_LINE.test(startLine)) && lines.every((line) => /^\S+?\s*:/.test(line));
}
