// Descriptions as they are seen on the wire: RFC 3264 section 10, and the shapes that carriers, SBCs and phones send.

const lines = (...parts: string[]) => `${parts.join('\r\n')}\r\n`;

/** RFC 3264 section 10.1, Alice's offer: one audio and two video streams. */
export const RFC3264_OFFER = lines(
  'v=0',
  'o=alice 2890844526 2890844526 IN IP4 host.anywhere.com',
  's=',
  'c=IN IP4 192.0.2.10',
  't=0 0',
  'm=audio 49170 RTP/AVP 0',
  'a=rtpmap:0 PCMU/8000',
  'm=video 51372 RTP/AVP 31',
  'a=rtpmap:31 H261/90000',
  'm=video 53000 RTP/AVP 32',
  'a=rtpmap:32 MPV/90000',
);

/** RFC 3264 section 10.2: codec choice, inactive until the second exchange. */
export const RFC3264_CODEC_OFFER = lines(
  'v=0',
  'o=alice 2890844526 2890844526 IN IP4 192.0.2.10',
  's=',
  'c=IN IP4 192.0.2.10',
  't=0 0',
  'm=audio 62986 RTP/AVP 0 4 18',
  'a=rtpmap:0 PCMU/8000',
  'a=rtpmap:4 G723/8000',
  'a=rtpmap:18 G729/8000',
  'a=inactive',
);

/** A large carrier's SBC: wideband first, static types without rtpmap, telephone-event on 101, maxptime. */
export const CARRIER_OFFER = lines(
  'v=0',
  'o=BroadWorks 187654321 1 IN IP4 203.0.113.20',
  's=-',
  'c=IN IP4 203.0.113.21',
  't=0 0',
  'a=sendrecv',
  'm=audio 23456 RTP/AVP 9 8 0 18 101',
  'a=rtpmap:9 G722/8000',
  'a=rtpmap:18 G729/8000',
  'a=fmtp:18 annexb=no',
  'a=rtpmap:101 telephone-event/8000',
  'a=fmtp:101 0-15',
  'a=ptime:20',
  'a=maxptime:150',
);

/** A mobile core: AMR first, G.711 on its static number, two telephone events with different clocks. */
export const MOBILE_OFFER = lines(
  'v=0',
  'o=- 1459328011 1459328011 IN IP4 198.51.100.7',
  's=SBC call',
  'c=IN IP4 198.51.100.7',
  'b=AS:80',
  't=0 0',
  'm=audio 30100 RTP/AVP 104 102 8 105 100',
  'b=RS:800',
  'b=RR:2400',
  'a=rtpmap:104 AMR-WB/16000/1',
  'a=fmtp:104 octet-align=1; mode-set=0,1,2',
  'a=rtpmap:102 AMR/8000',
  'a=rtpmap:105 telephone-event/16000',
  'a=rtpmap:100 telephone-event/8000',
  'a=fmtp:100 0-16',
  'a=curr:qos local none',
  'a=rtcp:30101 IN IP4 198.51.100.7',
  'a=sendrecv',
);

/** G.711 under dynamic numbers only. */
export const DYNAMIC_OFFER = lines(
  'v=0',
  'o=- 20 1 IN IP4 192.0.2.5',
  's=-',
  't=0 0',
  'm=audio 40000 RTP/AVP 112 113 96',
  'c=IN IP4 192.0.2.5',
  'a=rtpmap:112 PCMA/8000/1',
  'a=rtpmap:113 pcmu/8000',
  'a=rtpmap:96 telephone-event/8000',
);

/** Hold as a telephone of 1999 does it (RFC 2543 appendix B.5). */
export const OLD_HOLD_OFFER = lines(
  'v=0',
  'o=CiscoSystemsSIP-GW-UserAgent 4612 9023 IN IP4 192.0.2.30',
  's=SIP Call',
  'c=IN IP4 0.0.0.0',
  't=0 0',
  'm=audio 18422 RTP/AVP 0 101',
  'c=IN IP4 0.0.0.0',
  'a=rtpmap:0 PCMU/8000',
  'a=rtpmap:101 telephone-event/8000',
  'a=fmtp:101 0-16',
);

/** Best-effort SRTP of an old phone: the secure stream first, the plain one after it. */
export const TWO_PROTOCOLS_OFFER = lines(
  'v=0',
  'o=root 900 900 IN IP4 192.0.2.40',
  's=call',
  'c=IN IP4 192.0.2.40',
  't=0 0',
  'm=audio 51000 RTP/SAVP 0 101',
  'a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:d0RmdmcmVCspeEc3QGZiNWpVLFJhQX1cfHAwJSoj',
  'a=rtpmap:0 PCMU/8000',
  'm=audio 51002 RTP/AVP 0 101',
  'a=rtpmap:0 PCMU/8000',
  'a=rtpmap:101 telephone-event/8000',
);

export const SECURE_OFFER = lines(
  'v=0',
  'o=root 900 900 IN IP4 192.0.2.40',
  's=call',
  'c=IN IP4 192.0.2.40',
  't=0 0',
  'm=audio 51000 RTP/SAVP 0',
  'a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:d0RmdmcmVCspeEc3QGZiNWpVLFJhQX1cfHAwJSoj',
);

export const IPV6_OFFER = lines(
  'v=0',
  'o=- 7 7 IN IP6 2001:db8::7',
  's=-',
  'c=IN IP6 2001:db8::7',
  't=0 0',
  'm=audio 6000 RTP/AVPF 8',
  'a=rtcp-mux',
);

/** T.38 first, as a fax gateway re-offers: audio second. */
export const FAX_AND_AUDIO_OFFER = lines(
  'v=0',
  'o=- 31 2 IN IP4 192.0.2.50',
  's=-',
  'c=IN IP4 192.0.2.50',
  't=0 0',
  'm=image 5010 udptl t38',
  'a=T38FaxVersion:0',
  'm=audio 5012 RTP/AVP 0 8',
);

/** Bare LF, no s= or t=, a text session id, blanks at line ends, a blank line after the end: all seen, all meaningful. */
export const SLOPPY_OFFER =
  'v=0\no=- session-1 v1 IN IP4 192.0.2.60\nc=IN IP4 192.0.2.60 \nm=audio 7000 RTP/AVP 0 8  \na=X-unknown\nx=strange\n\n';

export const ALL_OFFERS = {
  RFC3264_OFFER,
  RFC3264_CODEC_OFFER,
  CARRIER_OFFER,
  MOBILE_OFFER,
  DYNAMIC_OFFER,
  OLD_HOLD_OFFER,
  TWO_PROTOCOLS_OFFER,
  SECURE_OFFER,
  IPV6_OFFER,
  FAX_AND_AUDIO_OFFER,
  SLOPPY_OFFER,
};
