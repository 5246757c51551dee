// What carriers say beside numbers: STIR/SHAKEN, Reason, the results of transfers, and X- headers of those who ask us.

import { readReason } from '../../../src/calls/carrier-words.ts';
import { readTarget } from '../../../src/calls/transfer-target.ts';
import { readCustomHeaders } from '../../../src/domain/custom-headers.ts';
import { readAttestation } from '../../../src/signalling/attestation.ts';
import { sipfragStatus } from '../../../src/signalling/own-refer.ts';
import { type FuzzTarget, promise } from '../harness.ts';
import { textTarget } from './text.ts';

const NOW_MS = 1_795_608_000_000;
const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
const PASSPORT = [
  part({ alg: 'ES256', ppt: 'shaken', typ: 'passport', x5u: 'https://c.example/c' }),
  part({ attest: 'A', dest: { tn: ['12'] }, iat: NOW_MS / 1000, orig: { tn: '1' }, origid: 'a-b' }),
  'c2ln',
].join('.');
const IDENTITY = `${PASSPORT};info=<https://c.example/c>;alg=ES256;ppt=shaken`;

const attestation = textTarget(
  'attestation',
  [IDENTITY, `${IDENTITY},${IDENTITY}`, '<tel:+1;verstat=TN-Validation-Passed-A>'],
  ['.', '..', ';ppt=', 'shaken', ';verstat=TN-Validation-', 'Passed', '<', '>', ','],
  (text) => {
    const question = { from: '+1', to: '+12', nowMs: NOW_MS };
    const read = readAttestation({ ...question, headers: { identity: text, 'p-asserted-identity': text } });
    promise(read?.origId == null || /^[0-9A-Fa-f-]+$/.test(read.origId), 'an id is an id');
    return read?.level != null || read?.carrierVerdict != null;
  },
);

const carrierReason = textTarget(
  'carrier-reason',
  ['Q.850;cause=16;text="Normal call clearing"', 'SIP;cause=200;text="Call completed elsewhere", Q.850;cause=26'],
  ['Q.850', 'SIP', ';cause=', ';text="', '\\"', ','],
  (text) => {
    const reason = readReason(text);
    promise(!/\p{Cc}/u.test(reason?.text ?? '') && (reason?.text ?? '').length <= 128, 'text is one bounded line');
    return reason !== null;
  },
);

const sipfrag = textTarget(
  'sipfrag',
  ['SIP/2.0 100 Trying\r\n', 'SIP/2.0 200 OK\r\nTo: <sip:a@b>\r\n'],
  ['SIP/2.0 ', '\r\n', '699', ' '],
  (text) => sipfragStatus(text) !== null,
);

const transferTarget = textTarget(
  'transfer-target',
  ['+12025550155', 'sip:100@pbx.example', 'sip:bob@[2001:db8::1]'],
  ['sip:', '@', ';', '?', '%', '+', '\r\n', '>'],
  (text) => {
    const target = readTarget(text);
    promise(target === undefined || !/[\s<>;?%@]/.test(target.user + target.host), 'nothing of a URI is left in it');
    return target !== undefined;
  },
);

const customHeaders = textTarget(
  'custom-headers',
  ['{"X-Order":"42"}', '{"X-A":"","x-b":"c d"}'],
  ['"X-', '":"', '\\r\\n', '{}', '__proto__', ','],
  (text) => {
    try {
      const headers = readCustomHeaders(JSON.parse(text));
      const lines = Object.entries(headers ?? {}).map(([name, value]) => `${name}: ${value}`);
      promise(!/[\r\n]/.test(lines.join('')), 'each is one line');
      return headers !== undefined;
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error;
      return false;
    }
  },
);

export const CARRIER_TARGETS: readonly FuzzTarget[] = [
  attestation,
  carrierReason,
  sipfrag,
  transferTarget,
  customHeaders,
];
