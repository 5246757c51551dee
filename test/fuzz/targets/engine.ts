// What the SIP engine reads beside messages of strangers: names in certificates, orders of applications; and what it makes of messages it passes on.

import { LocalAddresses } from '../../../src/sip-engine/dialog/local-addresses.ts';
import { firstRoute, forwarded, returned, withoutOwnRoute } from '../../../src/sip-engine/dialog/proxy-forwarding.ts';
import { headerValues } from '../../../src/sip-engine/message/headers.ts';
import { parseDatagram } from '../../../src/sip-engine/message/parse.ts';
import { withoutSecrets } from '../../../src/sip-engine/message/secrets.ts';
import { serialise } from '../../../src/sip-engine/message/serialise.ts';
import { validateRequest, validateResponse } from '../../../src/sip-engine/message/validate.ts';
import { sipDomains } from '../../../src/sip-engine/transport/identity.ts';
import { parseProxyOrder } from '../../../src/sip-engine/wire/proxy-order.ts';
import { inviteText } from '../../sip-engine/support/sip-text.ts';
import { type FuzzTarget, promise } from '../harness.ts';
import { textTarget } from './text.ts';

const certificateNames = textTarget(
  'sip-certificate-names',
  [
    'URI:sip:a.example, DNS:b.example, IP Address:192.0.2.1',
    'DNS:"a\\", URI:sip:c.example", URI:sips:d.example, URI:sip:e.example',
  ],
  ['URI:', 'sip:', 'DNS:', ', ', '"', '\\"', '*.', '@'],
  (text) => {
    const domains = sipDomains(text);
    promise(
      domains.every((domain) => !/["\s,@]/.test(domain)),
      'a domain has no quote, blank, comma or user',
    );
    return domains.length > 0;
  },
);

const proxyOrder = textTarget(
  'sip-proxy-order',
  ['t|remainInDialog|fullResponse||serial|2s|1500ms|sip:a@b', 't|||followRedirects|simultaneous|||sip:a|sip:b'],
  ['|', '||', 'ms', '99999999s', 'remainInDialog'],
  (text) => {
    const order = parseProxyOrder(text.split('|'));
    if (typeof order === 'string') return false;
    promise((order.finalMs ?? 0) <= 600_000 && order.targets.length > 0, 'a wait is bounded, and there is a target');
    return true;
  },
);

/** A Via more can be one too many. */
const GREW: ReadonlySet<string> = new Set(['headers_too_large', 'too_many_headers']);
const LOCALS = new LocalAddresses([{ protocol: 'udp', host: '192.0.2.9', port: 5060 }]);

const proxyForwarding: FuzzTarget = {
  name: 'sip-proxy-forwarding',
  tokens: [
    'Route: <sip:192.0.2.9;lr>',
    ', <sip:192.0.2.9:5060;lr>',
    'Route: ',
    'Via: SIP/2.0/UDP a;branch=z9hG4bK1, ',
    'Max-Forwards: 0',
  ],
  seeds: () => {
    const route = 'Route: <sip:192.0.2.9;lr>, <sip:other.example;lr>';
    const text = inviteText().replace('\r\n', `\r\n${route}\r\n`);
    const response = text
      .replace(/^.*\r\n/, 'SIP/2.0 200 OK\r\n')
      .replace('Via:', 'Via: SIP/2.0/UDP us;branch=z9hG4bK0\r\nVia:');
    return [Buffer.from(text), Buffer.from(response)];
  },
  check(input) {
    const result = parseDatagram(input);
    if (!result.ok) return false;
    const { message } = result;
    if (message.kind === 'response') {
      if (validateResponse(message) !== undefined) return false;
      const back = returned(message);
      if (back === undefined) return false;
      promise(headerValues(back, 'via').length === headerValues(message, 'via').length - 1, 'one Via is gone');
      serialise(back);
      return true;
    }
    if (validateRequest(message) !== undefined) return false;
    const left = withoutOwnRoute(message, LOCALS);
    promise(firstRoute(left) !== 'sip:192.0.2.9;lr', 'no Route names us any more');
    const via = 'SIP/2.0/UDP us;branch=z9hG4bK0';
    const on = parseDatagram(
      serialise(forwarded(left, { uri: 'sip:a@b.example', via, recordRoute: undefined, extra: [] })),
    );
    promise(on.ok || GREW.has(on.error.code), 'what goes on can be read');
    return true;
  },
};

const SECRETS: Readonly<Record<string, string>> = {
  Authorization: 'Digest response="CANARY"',
  'X-Session-Token': 'CANARY',
  Contact: '<sip:a:CANARY@192.0.2.9;pn-prid=CANARY>',
  Identity: 'aaaa.bbbb.CANARY;alg=ES256',
  'Content-Type': 'application/sdp',
};
const SECRET_SDP = 'v=0\r\na=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:CANARY\r\na=ice-pwd:CANARY\r\nk=clear:CANARY\r\n';

const secrets: FuzzTarget = {
  name: 'sip-secrets',
  tokens: [
    'Authorization: CANARY',
    'a=crypto:1 ',
    'Signal=',
    'c: application/dtmf',
    'Content-Encoding: gzip',
    'Content-Type: multipart/mixed',
    ';token=',
    'sip:a:CANARY@',
    '\r\n ',
    '\r\n\r\n',
  ],
  seeds: () => [
    Buffer.from(
      inviteText(
        Object.fromEntries(Object.entries(SECRETS).map(([name, value]) => [name, `${name}: ${value}`])),
        SECRET_SDP,
      ),
    ),
  ],
  check(input) {
    const text = input.toString('latin1');
    const shown = withoutSecrets(text);
    promise(withoutSecrets(shown) === shown, 'what is shown once is shown the same again');
    return shown !== text;
  },
};

export const ENGINE_TARGETS: readonly FuzzTarget[] = [certificateNames, proxyOrder, proxyForwarding, secrets];
