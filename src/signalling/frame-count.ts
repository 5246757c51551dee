// SIP messages counted where all of them pass: the frames between the library and the engine.

export interface SignallingObserver {
  request(method: string, direction: 'in' | 'out'): void;
  response(method: string, status: number, direction: 'in' | 'out'): void;
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
  const [, type, source, verdict] = text.slice(0, metaEnd).split('|', 5);
  const direction = type === 'sip' && source === 'network' ? 'in' : 'out';
  if (type !== 'sip' && verdict !== 'OK') return;
  const message = text.slice(metaEnd + 2);
  const line = message.slice(0, message.indexOf('\r\n'));
  if (!line.startsWith('SIP/')) return observer.request(countedMethod(line.split(' ', 1)[0]), direction);
  const method = /^cseq\s*:\s*\d+\s+(\S+)/im.exec(message)?.[1];
  observer.response(countedMethod(method), Number(line.slice(8, 11)), direction);
}

function countedMethod(method: string | undefined): string {
  return method !== undefined && COUNTED_METHOD.test(method) ? method : 'other';
}
