// SDP, and files that people upload: carriers' call records, price lists.

import { readFileSync } from 'node:fs';
import { RatesError } from '../../../src/metering/errors.ts';
import { parseRates } from '../../../src/metering/rates.ts';
import { parseSupplierRates } from '../../../src/metering/supplier-rates.ts';
import { CsvReader, isBadRow } from '../../../src/reconciliation/csv.ts';
import { loadMapping } from '../../../src/reconciliation/mapping.ts';
import { compileRowReader } from '../../../src/reconciliation/record.ts';
import { parseCrypto, printCrypto } from '../../../src/sdp/crypto.ts';
import { answerOffer, parseSdp, readBrowserOffer } from '../../../src/sdp/index.ts';
import { CHROMIUM_OFFER, FIREFOX_OFFER } from '../../sdp/browser-fixtures.ts';
import { CARRIER_OFFER, SECURE_OFFER } from '../../sdp/fixtures.ts';
import { type FuzzTarget, promise, same } from '../harness.ts';
import { textTarget } from './text.ts';

const ROOT = new URL('../../../', import.meta.url);
const configFile = (name: string): string => readFileSync(new URL(`config/${name}`, ROOT), 'utf8');

const SDP_WORDS = [
  'm=audio 0 RTP/AVP 0',
  'm=audio 40000 RTP/SAVP 0 8 101',
  'a=crypto:1 ',
  'a=rtpmap:',
  'a=fmtp:',
  'a=inactive',
  'c=IN IP4 0.0.0.0',
  'c=IN IP6 ::1',
  'a=ptime:',
  'a=rtcp-mux',
  'v=0',
  't=0 0',
];
const LOCAL = {
  address: '192.0.2.1',
  port: 40_000,
  codecs: ['PCMU', 'PCMA'] as const,
  sessionId: 1,
  version: 1,
};

const sdp = textTarget('sdp', [CARRIER_OFFER, SECURE_OFFER, CHROMIUM_OFFER], SDP_WORDS, (text) => {
  const outcome = parseSdp(text);
  const answer = answerOffer(text, LOCAL as unknown as Parameters<typeof answerOffer>[1]);
  if (answer.ok) promise(parseSdp(answer.sdp).ok, 'we can read our own answer');
  return outcome.ok;
});

const browserSdp = textTarget(
  'browser-sdp',
  [CHROMIUM_OFFER, FIREFOX_OFFER],
  [...SDP_WORDS, 'a=fingerprint:sha-256 ', 'a=ice-ufrag:', 'a=setup:', 'a=mid:', 'a=ssrc:'],
  (text) => readBrowserOffer(text, 'PCMU').ok,
);

const CRYPTO = [
  '1 AES_CM_128_HMAC_SHA1_80 inline:WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz|2^20|1:4 WSH=64',
  '2 AES_CM_128_HMAC_SHA1_32 inline:WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz',
];

const crypto = textTarget(
  'sdp-crypto',
  CRYPTO,
  ['inline:', '|2^', '|1:4', 'WSH=', 'AES_CM_128_HMAC_SHA1_80', ' '],
  (text) => {
    const line = parseCrypto(text);
    if (line === null || !line.usable) return false;
    const again = parseCrypto(printCrypto(line.tag, line.suite, line.key).replace('a=crypto:', ''));
    same(again, { ...line, mki: null }, 'a key can be printed and read again');
    return true;
  },
);

const mapping = loadMapping(new URL('config/carriers', ROOT).pathname, 'generic');
const CDR =
  'record_id,call_id,from,to,started_at,duration_s,direction,disposition,cost,currency\r\nr1,c1,+12025550100,+12025550101,2026-01-31T13:05:00Z,62,outbound,answered,0.012,USD\r\n"r2","a ""b""",+1202,+1,2026-01-31 13:05:00,61.8,inbound,busy,,USD\r\n';

const cdr: FuzzTarget = {
  name: 'cdr-csv',
  tokens: ['"', '""', ',', '\r\n', '\xef\xbb\xbf', '2026-02-30T00:00:00Z', '-1', '1e9', 'USD', '0.0000000000000001'],
  seeds: () => [Buffer.from(CDR)],
  check(input, random) {
    const rows = (chunk: () => number) => {
      const csv = new CsvReader(mapping.csv.delimiter);
      const items = [];
      for (let at = 0, size = 0; at < input.length; at += size) {
        size = chunk();
        items.push(...csv.push(input.subarray(at, at + size)));
      }
      return [...items, ...csv.end()];
    };
    const whole = rows(() => input.length);
    same(
      rows(() => 1 + random.below(64)),
      whole,
      'the same however it is cut',
    );
    const good = whole.filter((item) => !isBadRow(item));
    const [header, ...rest] = good;
    if (header === undefined || isBadRow(header)) return false;
    return readRows(
      header.cells,
      rest.map((row) => (isBadRow(row) ? [] : row.cells)),
    );
  },
};

function readRows(header: readonly string[], rows: readonly (readonly string[])[]): boolean {
  let read: ReturnType<typeof compileRowReader>;
  try {
    read = compileRowReader(mapping, header);
  } catch (error) {
    // A header without a column that is needed; the import answers with it.
    if ((error as { code?: string }).code === undefined) throw error;
    return false;
  }
  for (const cells of rows) read(cells);
  return rows.length > 0;
}

function priceTarget(name: string, file: string, parse: (text: string, fileName: string) => unknown): FuzzTarget {
  const target = textTarget(
    name,
    [configFile(file)],
    ['- ', ': ', '&a', '*a', '<<: *a', '!!binary ', '"+1"', '0.0000000001', '1e3', '{', '[', '|', '>-', '? '],
    (text) => {
      try {
        parse(text, file);
        return true;
      } catch (error) {
        if (!(error instanceof RatesError)) throw error;
        promise(error.message.length < 100_000, 'what is wrong is said in few words');
        return false;
      }
    },
  );
  // A file of the operator's own, read at the start: a YAML library takes its time over some of them.
  return { ...target, slowMs: 2_000 };
}

export const FILE_TARGETS: readonly FuzzTarget[] = [
  sdp,
  browserSdp,
  crypto,
  cdr,
  priceTarget('price-file', 'rates.yaml', parseRates),
  priceTarget('supplier-price-file', 'supplier-rates.yaml', parseSupplierRates),
];
