// The messages of RFC 5118, by the names of its archive. Two things are not as printed there: Content-Length is counted (the RFC's is wrong in places), and branch
// and Call-ID end in the message's name, since the RFC gives one to all of them.

export interface Ipv6Message {
  readonly section: string;
  /** What a gateway answers that has no such user and is no registrar. */
  readonly answer: 200 | 400 | 404 | 405 | 481;
  readonly why: string;
  readonly text: string;
}

const OWN = ['To: sip:user@example.com', 'From: sip:user@example.com;tag=81x2'];
const CALLER = 'Contact: "Caller" <sip:caller@[2001:db8::1]>';
const FROM_9_1 = 'Via: SIP/2.0/UDP [2001:db8::9:1];branch=z9hG4bKas3-111';

const SESSION = (address: string, subject: string): readonly string[] => [
  'v=0',
  `o=assistant 971731711378798081 0 IN IP6 ${address}`,
  `s=${subject}`,
  `c=IN IP6 ${address}`,
  't=3338481189 3370017201',
  'm=audio 6000 RTP/AVP 2',
  'a=rtpmap:2 G726-32/8000',
  'm=video 6024 RTP/AVP 107',
  'a=rtpmap:107 H263-1998/90000',
];

function message(name: string, startLine: string, headers: readonly string[], body: readonly string[] = []): string {
  const content = body.map((line) => `${line}\r\n`).join('');
  const method = startLine.split(' ')[0];
  const fields = [
    ...headers.map((line) => line.replace('z9hG4bKas3-111', `z9hG4bKas3-111-${name}`)),
    `Call-ID: SSG9559905523997077-${name}@hlau_4100`,
    'Max-Forwards: 70',
    `CSeq: 98176 ${method}`,
    ...(content === '' ? [] : ['Content-Type: application/sdp']),
    `Content-Length: ${Buffer.byteLength(content)}`,
  ];
  return `${[startLine, ...fields].join('\r\n')}\r\n\r\n${content}`;
}

const register = (name: string, uri: string): string =>
  message(name, `REGISTER ${uri} SIP/2.0`, [...OWN, FROM_9_1, CALLER]);

const received = (name: string, value: string): string =>
  message(name, 'BYE sip:[2001:db8::10] SIP/2.0', [
    'To: sip:user@example.com;tag=bd76ya',
    'From: sip:user@example.com;tag=81x2',
    `Via: SIP/2.0/UDP [2001:db8::9:1];received=${value};branch=z9hG4bKas3-111`,
  ]);

const options = (name: string, address: string): string =>
  message(name, `OPTIONS sip:user@[${address}] SIP/2.0`, [
    `To: sip:user@[${address}]`,
    'From: sip:user@example.com;tag=810x2',
    'Via: SIP/2.0/UDP lab1.east.example.com;branch=z9hG4bKas3-111',
  ]);

export const IPV6_MESSAGES: Readonly<Record<string, Ipv6Message>> = {
  'ipv6-good': {
    section: '4.1',
    answer: 405,
    why: 'valid',
    text: register('ipv6-good', 'sip:[2001:db8::10]'),
  },
  'ipv6-bad': {
    section: '4.2',
    answer: 400,
    why: 'an address without brackets in the Request-URI',
    text: register('ipv6-bad', 'sip:2001:db8::10'),
  },
  'port-ambiguous': {
    section: '4.3',
    answer: 405,
    why: 'valid: what is meant as a port is the end of the address',
    text: register('port-ambiguous', 'sip:[2001:db8::10:5070]'),
  },
  'port-unambiguous': {
    section: '4.4',
    answer: 405,
    why: 'valid',
    text: register('port-unambiguous', 'sip:[2001:db8::10]:5070'),
  },
  'via-received-param-with-delim': {
    section: '4.5',
    answer: 481,
    why: 'received with brackets, which many write',
    text: received('via-received-param-with-delim', '[2001:db8::9:255]'),
  },
  'via-received-param-no-delim': {
    section: '4.5',
    answer: 481,
    why: 'received without brackets, as RFC 3261 says',
    text: received('via-received-param-no-delim', '2001:db8::9:255'),
  },
  'ipv6-in-sdp': {
    section: '4.6',
    answer: 404,
    why: 'valid, for a user who is not here',
    text: message(
      'ipv6-in-sdp',
      'INVITE sip:user@[2001:db8::10] SIP/2.0',
      [
        'To: sip:user@[2001:db8::10]',
        'From: sip:user@example.com;tag=81x2',
        'Via: SIP/2.0/UDP [2001:db8::20];branch=z9hG4bKas3-111',
        'Contact: "Caller" <sip:caller@[2001:db8::20]>',
      ],
      SESSION('2001:db8::20', "Live video feed for today's meeting"),
    ),
  },
  'mult-ip-in-header': {
    section: '4.7',
    answer: 481,
    why: 'both families in one list of Vias',
    text: message('mult-ip-in-header', 'BYE sip:user@host.example.net SIP/2.0', [
      'Via: SIP/2.0/UDP [2001:db8::9:1]:6050;branch=z9hG4bKas3-111',
      'Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKjhja8781hjuaij65144',
      'Via: SIP/2.0/TCP [2001:db8::9:255];branch=z9hG4bK451jj;received=192.0.2.200',
      'To: sip:user@example.com;tag=bd76ya',
      'From: sip:user@example.com;tag=81x2',
    ]),
  },
  'mult-ip-in-sdp': {
    section: '4.8',
    answer: 404,
    why: 'valid, both families in one description',
    text: message(
      'mult-ip-in-sdp',
      'INVITE sip:user@[2001:db8::10] SIP/2.0',
      [
        'To: sip:user@[2001:db8::10]',
        'From: sip:user@example.com;tag=81x2',
        'Via: SIP/2.0/UDP [2001:db8::9:1];branch=z9hG4bKas3-111',
        'Contact: "Caller" <sip:caller@[2001:db8::9:1]>',
      ],
      [
        'v=0',
        'o=bob 280744730 28977631 IN IP4 host.example.com',
        's=',
        't=0 0',
        'm=audio 22334 RTP/AVP 0',
        'c=IN IP4 192.0.2.1',
        'm=video 6024 RTP/AVP 107',
        'c=IN IP6 2001:db8::1',
        'a=rtpmap:107 H263-1998/90000',
      ],
    ),
  },
  'ipv4-mapped-ipv6': {
    section: '4.9',
    answer: 404,
    why: 'valid, IPv4 addresses in the clothes of IPv6',
    text: message(
      'ipv4-mapped-ipv6',
      'INVITE sip:user@example.com SIP/2.0',
      [
        'To: sip:user@example.com',
        'From: sip:user@east.example.com;tag=81x2',
        'Via: SIP/2.0/UDP [::ffff:192.0.2.10]:19823;branch=z9hG4bKas3-111',
        'Via: SIP/2.0/UDP [::ffff:192.0.2.2];branch=z9hG4bKbh19',
        'Contact: "T. desk phone" <sip:ted@[::ffff:192.0.2.2]>',
      ],
      SESSION('::ffff:192.0.2.2', 'Call me soon, please!'),
    ),
  },
  'ipv6-bug-abnf-3-colons': {
    section: '4.10',
    answer: 200,
    why: 'three colons before an IPv4 address, which the grammar of RFC 3261 allows by mistake',
    text: options('ipv6-bug-abnf-3-colons', '2001:db8:::192.0.2.1'),
  },
  'ipv6-correct-abnf-2-colons': {
    section: '4.10',
    answer: 200,
    why: 'valid',
    text: options('ipv6-correct-abnf-2-colons', '2001:db8::192.0.2.1'),
  },
};
