// The verdict on each message of RFC 4475, by the parser and the validator. What the layer above decides is noted, not tested here.

/** `400` and the like: refused with that status. `drop`: a response nobody can be told about. */
export type Verdict = 'valid' | 'drop' | 400 | 505;

export interface Expectation {
  readonly section: string;
  readonly verdict: Verdict;
  /** What the layer above the parser makes of a message that is valid here, or why we take the stricter choice. */
  readonly above?: string;
}

export const TORTURE_EXPECTATIONS: Readonly<Record<string, Expectation>> = {
  wsinv: { section: '3.1.1.1', verdict: 'valid' },
  intmeth: { section: '3.1.1.2', verdict: 'valid', above: '405 or 501: unknown method' },
  esc01: { section: '3.1.1.3', verdict: 'valid' },
  escnull: { section: '3.1.1.4', verdict: 'valid' },
  esc02: {
    section: '3.1.1.5',
    verdict: 'valid',
    above: '405 or 501: the method is not REGISTER, escapes mean nothing in it',
  },
  lwsdisp: { section: '3.1.1.6', verdict: 'valid' },
  longreq: { section: '3.1.1.7', verdict: 'valid' },
  dblreq: { section: '3.1.1.8', verdict: 'valid', above: 'the second request in the datagram is ignored' },
  semiuri: { section: '3.1.1.9', verdict: 'valid' },
  transports: { section: '3.1.1.10', verdict: 'valid' },
  mpart01: { section: '3.1.1.11', verdict: 'valid' },
  unreason: { section: '3.1.1.12', verdict: 'valid', above: 'dropped: no such transaction' },
  noreason: { section: '3.1.1.13', verdict: 'valid', above: 'dropped: no such transaction' },
  badinv01: { section: '3.1.2.1', verdict: 400 },
  clerr: { section: '3.1.2.2', verdict: 400 },
  ncl: { section: '3.1.2.3', verdict: 400 },
  scalar02: { section: '3.1.2.4', verdict: 400 },
  scalarlg: { section: '3.1.2.5', verdict: 'drop' },
  quotbal: { section: '3.1.2.6', verdict: 400 },
  ltgtruri: { section: '3.1.2.7', verdict: 400 },
  lwsruri: { section: '3.1.2.8', verdict: 400 },
  lwsstart: { section: '3.1.2.9', verdict: 400 },
  trws: { section: '3.1.2.10', verdict: 400 },
  escruri: { section: '3.1.2.11', verdict: 400 },
  baddate: { section: '3.1.2.12', verdict: 'valid', above: 'Date is not acted on, so a bad one harms nobody' },
  regbadct: { section: '3.1.2.13', verdict: 400 },
  badaspec: { section: '3.1.2.14', verdict: 400 },
  baddn: { section: '3.1.2.15', verdict: 400 },
  badvers: { section: '3.1.2.16', verdict: 505 },
  mismatch01: { section: '3.1.2.17', verdict: 400 },
  mismatch02: { section: '3.1.2.18', verdict: 400 },
  bigcode: { section: '3.1.2.19', verdict: 'drop' },
  badbranch: {
    section: '3.2.1',
    verdict: 'valid',
    above: 'a branch of the bare cookie is matched as RFC 2543 requests are',
  },
  insuf: { section: '3.3.1', verdict: 400 },
  unkscm: { section: '3.3.2', verdict: 'valid', above: '416: unknown scheme' },
  novelsc: { section: '3.3.3', verdict: 'valid', above: '416: unknown scheme' },
  unksm2: { section: '3.3.4', verdict: 'valid', above: 'REGISTER with a To that is no SIP URI: 400 or 404' },
  bext01: { section: '3.3.5', verdict: 'valid', above: '420: unknown option tag in Require' },
  invut: { section: '3.3.6', verdict: 'valid', above: '415: unknown body type' },
  regaut01: { section: '3.3.7', verdict: 'valid', above: '401 or 403: unknown authorization scheme' },
  multi01: { section: '3.3.8', verdict: 400 },
  mcl01: { section: '3.3.9', verdict: 400 },
  bcast: {
    section: '3.3.10',
    verdict: 'valid',
    above: 'dropped: no such transaction; never sent on to the second Via',
  },
  zeromf: { section: '3.3.11', verdict: 'valid', above: '483 in a proxy; an endpoint may answer OPTIONS' },
  cparam01: { section: '3.3.12', verdict: 'valid' },
  cparam02: { section: '3.3.13', verdict: 'valid' },
  regescrt: { section: '3.3.14', verdict: 'valid' },
  sdp01: { section: '3.3.15', verdict: 'valid', above: '406: we cannot answer in the only type accepted' },
  inv2543: {
    section: '3.4.1',
    verdict: 400,
    above: 'stricter than RFC 2543: without From tag and Contact no dialog can be named',
  },
};
