// Prints what a carrier's export of the newest calls could look like, in the form that config/carriers/generic.yaml reads: the newest call is
// 20 s longer there than here, and one call is known to the carrier alone. For trying out reconciliation without a carrier.
//
//   ADMIN_TOKEN=$(cat data/admin-token) node docs/examples/cdr.mjs > cdr.csv
//
// URL: the gateway's API (default http://127.0.0.1:8080). TRUNK: whose calls (default loopback).

const { ADMIN_TOKEN, URL: base = 'http://127.0.0.1:8080', TRUNK: trunk = 'loopback' } = process.env;

const answer = await fetch(`${base}/v1/calls?state=ended&limit=50`, {
  headers: { authorization: `Bearer ${ADMIN_TOKEN}` },
});
if (!answer.ok) throw new Error(`${base} answered ${answer.status}`);
const { items } = await answer.json();
const calls = items.filter((call) => call.trunkId === trunk && call.bill?.evidence.start);

const rows = calls.map((call, index) => {
  const { start, end } = call.bill.evidence;
  const seconds = (Date.parse(end) - Date.parse(start)) / 1000 + (index === 0 ? 20 : 0);
  return [`cdr-${call.id}`, '', call.direction, call.from, call.to, call.startedAt, seconds, 'answered', '', 'USD'];
});
const unknown = [
  'cdr-unknown',
  '',
  'inbound',
  '+12025550198',
  '+12025550100',
  new Date().toISOString(),
  62,
  'answered',
  '0.014',
  'USD',
];
const header = 'record_id,call_id,direction,from,to,started_at,duration_s,disposition,cost,currency'.split(',');

for (const row of [header, ...rows, unknown]) console.log(row.join(','));
