// What one SIP message costs the embedded engine: reading it as it comes from a socket (parse, stamp the top Via, validate, the
// header look-ups a transaction layer makes) and printing one. Also as one byte stream through the TCP framer.
//
// Flags: --ms (time per round, 300) --rounds (5; the median counts)
// Alone: node bench/sip-message.ts

import { makeResponse } from '../src/sip-engine/message/builders.ts';
import { cseqOf } from '../src/sip-engine/message/cseq.ts';
import { header } from '../src/sip-engine/message/headers.ts';
import type { SipMessage, SipRequest } from '../src/sip-engine/message/message.ts';
import { getTag } from '../src/sip-engine/message/name-addr.ts';
import { parseDatagram } from '../src/sip-engine/message/parse.ts';
import { serialise } from '../src/sip-engine/message/serialise.ts';
import { StreamFramer } from '../src/sip-engine/message/stream-framer.ts';
import { validateRequest, validateResponse } from '../src/sip-engine/message/validate.ts';
import { stampTopVia, topBranch } from '../src/sip-engine/message/via.ts';
import { type BenchOptions, type BenchResult, flag, markdownTable, round } from './support/result.ts';

/** Both directions of one call as a carrier's SBC makes it. */
const CALL_MESSAGES_IN = 6;
const CALL_MESSAGES_OUT = 6;

const SDP = [
  'v=0',
  'o=root 1821331470 1821331470 IN IP4 203.0.113.17',
  's=SBC',
  'c=IN IP4 203.0.113.17',
  't=0 0',
  'm=audio 17640 RTP/AVP 0 8 101',
  'a=rtpmap:0 PCMU/8000',
  'a=rtpmap:8 PCMA/8000',
  'a=rtpmap:101 telephone-event/8000',
  'a=fmtp:101 0-16',
  'a=ptime:20',
  'a=sendrecv',
  '',
].join('\r\n');

const COMMON = [
  'Via: SIP/2.0/UDP 203.0.113.5:5060;rport;branch=z9hG4bK1f7a.9f1d7ac4f1f7b5d6a7cfa5c7b6d0e2a1.0',
  'Via: SIP/2.0/UDP 10.20.30.40:5060;rport=5060;received=10.20.30.40;branch=z9hG4bKjj8S4pB3Xr0Qp',
  'Record-Route: <sip:203.0.113.5;lr;ftag=gK0c3a1b2f>',
  'From: "Alice Example" <sip:+12025550199@carrier.example.com;user=phone>;tag=gK0c3a1b2f',
];

const INVITE = message(
  'INVITE sip:+12025550100@192.0.2.10:5060;user=phone SIP/2.0',
  [
    ...COMMON,
    'To: <sip:+12025550100@edge.example.com;user=phone>',
    'Call-ID: 1512352193_44671935@10.20.30.40',
    'CSeq: 804372 INVITE',
    'Max-Forwards: 67',
    'Contact: "Alice Example" <sip:+12025550199@10.20.30.40:5060>',
    'Allow: INVITE,ACK,CANCEL,BYE,REGISTER,REFER,INFO,SUBSCRIBE,NOTIFY,PRACK,UPDATE,OPTIONS,MESSAGE',
    'Accept: application/sdp, application/isup, application/dtmf, application/dtmf-relay,  multipart/mixed',
    'P-Asserted-Identity: "Alice Example" <sip:+12025550199@carrier.example.com:5060>',
    'Supported: timer,100rel,precondition',
    'Session-Expires: 1800',
    'Min-SE: 90',
    'Content-Disposition: session;handling=required',
    'Content-Type: application/sdp',
  ],
  SDP,
);
const OK = message(
  'SIP/2.0 200 OK',
  [
    ...COMMON,
    'To: <sip:+12025550100@edge.example.com;user=phone>;tag=7c1b2f0a',
    'Call-ID: 1512352193_44671935@10.20.30.40',
    'CSeq: 804372 INVITE',
    'Contact: <sip:192.0.2.10:5060>',
    'Content-Type: application/sdp',
  ],
  SDP,
);
const BYE = message(
  'BYE sip:192.0.2.10:5060 SIP/2.0',
  [
    ...COMMON,
    'To: <sip:+12025550100@edge.example.com;user=phone>;tag=7c1b2f0a',
    'Call-ID: 1512352193_44671935@10.20.30.40',
    'CSeq: 804373 BYE',
    'Max-Forwards: 67',
  ],
  '',
);

const SAMPLES: readonly [string, Buffer][] = [
  [`INVITE with SDP, ${INVITE.length} B`, INVITE],
  [`200 with SDP, ${OK.length} B`, OK],
  [`BYE, ${BYE.length} B`, BYE],
];

export async function run(options: BenchOptions): Promise<BenchResult> {
  const ms = flag(options, 'ms', 300);
  const rounds = flag(options, 'rounds', 5);
  const measure = (work: () => void): number => median(Array.from({ length: rounds }, () => perSecond(work, ms)));
  const rows: (string | number)[][] = [];
  const costs: { readUs: number; printUs: number }[] = [];
  for (const [name, bytes] of SAMPLES) {
    options.say(name);
    const parsed = parse(bytes);
    const parseOnly = measure(() => void parse(bytes));
    const read = measure(() => readAsEngine(bytes));
    const print = measure(() => void serialise(parsed));
    const framed = measure(streamOf(bytes)) * STREAM_MESSAGES;
    rows.push([name, round(parseOnly), round(read), round(print), round(framed)]);
    costs.push({ readUs: 1e6 / read, printUs: 1e6 / print });
  }
  const request = parse(INVITE) as SipRequest;
  const respond = measure(() => void serialise(makeResponse(request, 180, undefined, { toTag: '7c1b2f0a' })));
  const mean = (pick: (cost: { readUs: number; printUs: number }) => number): number =>
    costs.reduce((sum, cost) => sum + pick(cost), 0) / costs.length;
  const perCallUs = mean((c) => c.readUs) * CALL_MESSAGES_IN + mean((c) => c.printUs) * CALL_MESSAGES_OUT;
  return {
    title: 'reading and printing SIP messages, messages per second on one core',
    tables: [
      {
        caption: 'Messages per second',
        columns: ['message', 'parse', 'parse, stamp, validate, look up', 'serialise', 'TCP framer, pipelined'],
        rows,
      },
    ],
    notes: [
      `180 made from the INVITE and printed: ${round(respond)}/s.`,
      `A call of ${CALL_MESSAGES_IN} messages in and ${CALL_MESSAGES_OUT} out costs ${round(perCallUs)} us of this work.`,
      `Median of ${rounds} rounds of ${ms} ms after one round of warm-up; no sockets.`,
    ],
  };
}

/** What happens to a message between the socket and the transaction that takes it. */
function readAsEngine(bytes: Buffer): void {
  const msg = parse(bytes);
  if (msg.kind === 'request') stampTopVia(msg, SOURCE, { forceRport: true });
  const invalid = msg.kind === 'request' ? validateRequest(msg) : validateResponse(msg);
  if (invalid !== undefined) throw new Error(invalid.reason);
  sink.value += (topBranch(msg)?.length ?? 0) + (cseqOf(msg)?.number ?? 0);
  sink.value += (getTag(header(msg, 'from') ?? '')?.length ?? 0) + (header(msg, 'call-id')?.length ?? 0);
}

const SOURCE = { address: '203.0.113.5', port: 5060 };
const STREAM_MESSAGES = 16;
/** Keeps the compiler from leaving out work whose result nobody uses. */
const sink = { value: 0 };

function streamOf(bytes: Buffer): () => void {
  const stream = Buffer.concat(Array.from({ length: STREAM_MESSAGES }, () => bytes));
  const framer = new StreamFramer({
    message: (msg) => {
      sink.value += msg.headers.length;
    },
    invalid: (_partial, error) => {
      throw error;
    },
    ping: () => undefined,
    violation: (_partial, error) => {
      throw error;
    },
  });
  return () => framer.push(stream, 0);
}

function parse(bytes: Buffer): SipMessage {
  const result = parseDatagram(bytes);
  if (!result.ok) throw result.error;
  return result.message;
}

function perSecond(work: () => void, ms: number): number {
  let count = 0;
  const startedAt = performance.now();
  let now = startedAt;
  while (now - startedAt < ms) {
    for (let i = 0; i < 500; i++) work();
    count += 500;
    now = performance.now();
  }
  return (count * 1000) / (now - startedAt);
}

/** The first round warms up. */
function median(rates: readonly number[]): number {
  const sorted = rates.slice(rates.length > 1 ? 1 : 0).toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)]!;
}

function message(startLine: string, headers: readonly string[], body: string): Buffer {
  return Buffer.from([startLine, ...headers, `Content-Length: ${body.length}`, '', body].join('\r\n'));
}

if (import.meta.main) {
  const result = await run({ flags: new Map(), say: () => undefined });
  for (const table of result.tables) process.stdout.write(`${markdownTable(table)}\n`);
  for (const note of result.notes) process.stdout.write(`- ${note}\n`);
}
