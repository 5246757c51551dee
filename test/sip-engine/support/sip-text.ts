/** Message text for tests: lines joined by CR LF, a blank line, then the body with its length filled in. */
export function sipText(lines: readonly string[], body = ''): string {
  return `${[...lines, `Content-Length: ${Buffer.byteLength(body)}`, '', ''].join('\r\n')}${body}`;
}

export const SDP =
  'v=0\r\no=- 1 1 IN IP4 192.0.2.9\r\ns=-\r\nc=IN IP4 192.0.2.9\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0\r\n';

export const INVITE_LINES: readonly string[] = [
  'INVITE sip:+12025550100@192.0.2.1:5060 SIP/2.0',
  'Via: SIP/2.0/UDP 192.0.2.9:5060;branch=z9hG4bK776asdhds;rport',
  'Max-Forwards: 70',
  'To: <sip:+12025550100@192.0.2.1>',
  'From: "Alice" <sip:+12025550199@192.0.2.9>;tag=1928301774',
  'Call-ID: a84b4c76e66710@192.0.2.9',
  'CSeq: 314159 INVITE',
  'Contact: <sip:+12025550199@192.0.2.9:5060>',
  'Content-Type: application/sdp',
];

/** The INVITE above with some lines replaced (by start of line), removed (undefined) or added (not found). */
export function inviteText(changes: Readonly<Record<string, string | undefined>> = {}, body: string = SDP): string {
  const lines = [...INVITE_LINES];
  for (const [start, line] of Object.entries(changes)) {
    const at = lines.findIndex((candidate) => candidate.startsWith(start));
    if (at === -1) lines.push(line ?? '');
    else lines.splice(at, 1, ...(line === undefined ? [] : [line]));
  }
  return sipText(lines, body);
}

export function inviteBytes(changes: Readonly<Record<string, string | undefined>> = {}, body: string = SDP): Buffer {
  return Buffer.from(inviteText(changes, body), 'utf8');
}

export function optionsText(
  branch: string,
  extra: readonly string[] = [],
  transport = 'UDP',
  sentBy = '127.0.0.1:5099',
): string {
  return sipText([
    'OPTIONS sip:127.0.0.1 SIP/2.0',
    `Via: SIP/2.0/${transport} ${sentBy};branch=${branch}`,
    'Max-Forwards: 70',
    'To: <sip:127.0.0.1>',
    'From: <sip:test@127.0.0.1>;tag=t1',
    `Call-ID: ${branch}@127.0.0.1`,
    'CSeq: 1 OPTIONS',
    ...extra,
  ]);
}
