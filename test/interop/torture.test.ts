import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { tortureMessages } from '../sip-engine/message/torture/corpus.ts';
import { IPV6_MESSAGES } from '../sip-engine/message/torture/ipv6.ts';
import { Caller } from '../signalling/harness.ts';
import { CERTIFICATE, LACK } from '../sip-engine/support/secure-transport.ts';
import { type RunningGateway, startGateway } from '../support/gateway.ts';
import { contactOf, RawSipPeer } from '../support/raw-sip-peer.ts';
import { CallRecords } from './call-records.ts';

// What a whole gateway says to the 49 messages of RFC 4475, over each transport, and what is left of them: nothing but the refusals of calls that
// were well-formed. Whether the parser alone judges them right is tested with it (test/sip-engine/message/torture).

/** Time for what is said to nobody to be said after all. */
const SILENCE_MS = 400;

/** Final status, or `silence`: responses, which are dropped, and what cannot be read. */
type Outcome = number | 'silence';

interface Expected {
  readonly section: string;
  readonly outcome: Outcome;
  /** Over a stream, where that differs: there the end of a message must be certain (RFC 3261 section 18.3). */
  readonly overStream?: Outcome;
  /** An INVITE that is in order: it is refused as a call, and recorded as one. */
  readonly isCall?: true;
  readonly why: string;
}

const EXPECTED: Readonly<Record<string, Expected>> = {
  wsinv: { section: '3.1.1.1', outcome: 481, why: 'valid, and in a dialog nobody knows' },
  intmeth: { section: '3.1.1.2', outcome: 501, why: 'valid, a method nobody knows' },
  esc01: { section: '3.1.1.3', outcome: 404, isCall: true, why: 'valid, for a user who is not here' },
  escnull: { section: '3.1.1.4', outcome: 405, why: 'valid; this is no registrar' },
  esc02: { section: '3.1.1.5', outcome: 501, why: 'RE%47IST%45R is not REGISTER' },
  lwsdisp: { section: '3.1.1.6', outcome: 200, why: 'valid OPTIONS' },
  longreq: { section: '3.1.1.7', outcome: 404, isCall: true, why: 'valid, for a user who is not here' },
  dblreq: {
    section: '3.1.1.8',
    outcome: 405,
    overStream: 400,
    why: 'one request per datagram; in a stream the second is refused',
  },
  semiuri: { section: '3.1.1.9', outcome: 200, why: 'valid OPTIONS' },
  transports: { section: '3.1.1.10', outcome: 200, why: 'valid OPTIONS' },
  mpart01: { section: '3.1.1.11', outcome: 405, why: 'valid; MESSAGE is not served' },
  unreason: { section: '3.1.1.12', outcome: 'silence', why: 'a response to nothing' },
  noreason: { section: '3.1.1.13', outcome: 'silence', why: 'a response to nothing' },
  badinv01: { section: '3.1.2.1', outcome: 400, why: 'Via and Contact with separators and nothing between' },
  clerr: {
    section: '3.1.2.2',
    outcome: 400,
    overStream: 'silence',
    why: 'shorter than it says; in a stream the rest is waited for, for 10 s',
  },
  ncl: { section: '3.1.2.3', outcome: 400, why: 'Content-Length -999' },
  scalar02: { section: '3.1.2.4', outcome: 400, why: 'CSeq beyond 32 bits' },
  scalarlg: { section: '3.1.2.5', outcome: 'silence', why: 'a response that cannot be ours' },
  quotbal: { section: '3.1.2.6', outcome: 400, why: 'an open quote' },
  ltgtruri: { section: '3.1.2.7', outcome: 400, why: '<> around the Request-URI' },
  lwsruri: { section: '3.1.2.8', outcome: 400, why: 'a space in the Request-URI' },
  lwsstart: { section: '3.1.2.9', outcome: 400, why: 'spaces in the start line' },
  trws: { section: '3.1.2.10', outcome: 400, why: 'spaces at the end of the start line' },
  escruri: { section: '3.1.2.11', outcome: 400, why: 'header fields in the Request-URI' },
  baddate: { section: '3.1.2.12', outcome: 404, isCall: true, why: 'a Date in EST; nobody reads it here' },
  regbadct: { section: '3.1.2.13', outcome: 400, why: 'a Contact with a question mark and no <>' },
  badaspec: { section: '3.1.2.14', outcome: 400, why: 'spaces within an address' },
  baddn: { section: '3.1.2.15', outcome: 400, why: 'a display name that needs quotes' },
  badvers: { section: '3.1.2.16', outcome: 505, why: 'SIP/7.0' },
  mismatch01: { section: '3.1.2.17', outcome: 400, why: 'start line and CSeq differ' },
  mismatch02: { section: '3.1.2.18', outcome: 400, why: 'the same with an unknown method' },
  bigcode: { section: '3.1.2.19', outcome: 'silence', why: 'status 4294967301' },
  badbranch: { section: '3.2.1', outcome: 200, why: 'a branch of nothing but the cookie is no key of a transaction' },
  insuf: { section: '3.3.1', outcome: 400, why: 'no Call-ID, From or To' },
  unkscm: { section: '3.3.2', outcome: 416, why: 'nobodyKnowsThisScheme:' },
  novelsc: { section: '3.3.3', outcome: 416, why: 'soap.beep:' },
  unksm2: { section: '3.3.4', outcome: 400, why: 'a To that is no address of ours' },
  bext01: { section: '3.3.5', outcome: 420, why: 'Require of what nobody supports' },
  invut: { section: '3.3.6', outcome: 415, why: 'a body of an unknown type' },
  regaut01: { section: '3.3.7', outcome: 405, why: 'this is no registrar, whatever the credentials' },
  multi01: { section: '3.3.8', outcome: 400, why: 'several values where there is one' },
  mcl01: { section: '3.3.9', outcome: 400, why: 'two Content-Lengths' },
  bcast: { section: '3.3.10', outcome: 'silence', why: 'a response to nothing, with a broadcast address in Via' },
  zeromf: { section: '3.3.11', outcome: 200, why: 'OPTIONS that goes no further is answered here' },
  cparam01: { section: '3.3.12', outcome: 405, why: 'valid; this is no registrar' },
  cparam02: { section: '3.3.13', outcome: 405, why: 'valid; this is no registrar' },
  regescrt: { section: '3.3.14', outcome: 405, why: 'valid; this is no registrar' },
  sdp01: { section: '3.3.15', outcome: 406, why: 'Accept without SDP' },
  inv2543: { section: '3.4.1', outcome: 400, why: 'without a From tag no dialog has a name' },
};

const TRANSPORTS = LACK === '' ? (['UDP', 'TCP', 'TLS'] as const) : (['UDP', 'TCP'] as const);

let gateway: RunningGateway;
let folder: string;
let ports: Record<string, number | null>;

async function peerOver(transport: (typeof TRANSPORTS)[number]): Promise<{ peer: RawSipPeer; port: number }> {
  const port = ports[{ UDP: 'sipUdp', TCP: 'sipTcp', TLS: 'sipTls' }[transport]] ?? 0;
  if (transport === 'UDP') return { peer: await RawSipPeer.udp(), port };
  const peer = transport === 'TCP' ? RawSipPeer.tcp(port) : RawSipPeer.tls(port, CERTIFICATE.cert);
  return { peer: await peer, port };
}

/** Some of them share a branch, as no two senders would: it gets the name of the message behind it. */
function own(name: string, bytes: Buffer): Buffer {
  const marked = bytes.toString('latin1').replaceAll(/(branch\s*=\s*z9hG4bKkdjuw\d*)\b/gi, `$1${name}`);
  return Buffer.from(marked, 'latin1');
}

async function outcomeOf(bytes: Buffer, transport: (typeof TRANSPORTS)[number], expected: Outcome): Promise<Outcome> {
  const { peer, port } = await peerOver(transport);
  try {
    peer.send(bytes, port);
    const isFinal = ({ status }: { status: number | undefined }) => (status ?? 0) >= 200;
    const answer = await peer.next(isFinal, expected === 'silence' ? SILENCE_MS : 3_000).catch(() => null);
    return answer?.status ?? 'silence';
  } finally {
    await peer.close();
  }
}

async function placeGoodCall(transport: (typeof TRANSPORTS)[number], callId: string): Promise<void> {
  const { peer, port } = await peerOver(transport);
  const caller = new Caller(peer, port, { callId, contact: contactOf(peer, 'ann') });
  caller.invite();
  caller.learn(await peer.next(200));
  caller.ack();
  caller.inDialog('BYE');
  await peer.next((message) => message.status === 200 && message.header('CSeq') === '2 BYE');
  await peer.close();
}

interface Left {
  readonly active: boolean;
  readonly reserved: string;
  readonly reasons: readonly string[];
}

/** Calls that go on, money held, and how each call that was recorded ended. */
async function left(): Promise<Left> {
  const calls = await new CallRecords(gateway).all();
  const { reserved } = (await gateway.api<{ reserved: string }>('GET', '/v1/workspaces/demo')).body;
  const active = /^callin_calls_active\{[^}]*\} [1-9]/m.test(await gateway.metrics());
  return { active, reserved, reasons: calls.map(({ endReason }) => endReason ?? 'open').sort() };
}

test('all 49 are told of', () => {
  expect(Object.keys(EXPECTED).sort()).toEqual([...tortureMessages.keys()].sort());
});

// One gateway per transport: the same request by another way would be a repetition of the first.
describe.each(TRANSPORTS)('signalling 27: RFC 4475 over %s', (transport) => {
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'callin-torture-'));
    const files = { cert: join(folder, 'cert.pem'), key: join(folder, 'key.pem') };
    writeFileSync(files.cert, CERTIFICATE.cert);
    writeFileSync(files.key, CERTIFICATE.key);
    gateway = await startGateway(LACK === '' ? { config: { sip: { tlsPort: 0, tls: files } } } : {});
    ports = (await gateway.api<{ ports: typeof ports }>('GET', '/v1/node')).body.ports;
  });
  afterAll(async () => {
    await gateway?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  test('each message gets its answer, and so do those of RFC 5118', async () => {
    const wanted = Object.entries(EXPECTED).map(([name, { outcome, overStream, section, why }]) => ({
      bytes: own(name, tortureMessages.get(name) ?? Buffer.alloc(0)),
      expected: transport === 'UDP' ? outcome : (overStream ?? outcome),
      line: (seen: Outcome) => `${section} ${name}: ${seen} (${why})`,
    }));
    for (const [name, { answer, section, text, why }] of Object.entries(IPV6_MESSAGES)) {
      const line = (seen: Outcome) => `RFC 5118 ${section} ${name}: ${seen} (${why})`;
      wanted.push({ bytes: Buffer.from(text), expected: answer, line });
    }
    const seen = await Promise.all(wanted.map(({ bytes, expected }) => outcomeOf(bytes, transport, expected)));
    expect(wanted.map(({ line }, index) => line(seen[index]!))).toEqual(
      wanted.map(({ line, expected }) => line(expected)),
    );
  });

  test('nothing of them is left but the refusals of the calls that were in order; a good call goes through', async () => {
    const overIpv6 = Object.values(IPV6_MESSAGES).filter(({ answer }) => answer === 404);
    const calls = Object.values(EXPECTED).filter(({ isCall }) => isCall === true);
    const refused = [...calls, ...overIpv6].map(() => 'unknown_number');
    // Their records are written after the answers.
    await expect.poll(left).toEqual({ active: false, reserved: '0.00', reasons: refused });
    await placeGoodCall(transport, `good-${transport}`);
    await expect.poll(left).toEqual({ active: false, reserved: '0.00', reasons: ['remote_hangup', ...refused].sort() });
    expect(gateway.log.filter(({ level }) => Number(level) >= 50)).toEqual([]);
  });
});
