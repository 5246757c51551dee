import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { createMetrics, type Metrics } from '../../src/observability/metrics.ts';

/** Every name with its labels, as dashboards and alerts rely on them. */
const PROMISED = [
  'callin_calls_active{direction}',
  'callin_calls_total{direction,class,result,reason}',
  'callin_call_setup_seconds{direction}',
  'callin_post_dial_delay_seconds',
  'callin_call_duration_seconds{class}',
  'callin_sip_requests_total{method,direction}',
  'callin_sip_responses_total{method,code,direction}',
  'callin_sip_bans_total{reason}',
  'callin_sip_banned_sources',
  'callin_sip_turned_away_total{reason}',
  'callin_sip_table_entries{table}',
  'callin_sip_refused_total{what}',
  'callin_trunk_up{trunk}',
  'callin_rtp_packets_total{direction}',
  'callin_srtp_rejected_total',
  'callin_rtp_lost_total',
  'callin_one_way_audio_total{missing}',
  'callin_rtp_jitter_seconds',
  'callin_agent_connect_seconds{protocol}',
  'callin_billed_seconds_total{meter,class}',
  'callin_revenue_total{meter}',
  'callin_ledger_lag_seconds',
  'callin_unbilled_answered_calls',
  'callin_journal_fsync_seconds',
  'callin_lease_denied_total{reason}',
  'callin_overshoot_total',
  'callin_supplier_cost_total',
  'callin_verifications_total{event}',
  'callin_engine_connected{engine}',
  'callin_event_loop_lag_seconds{thread}',
  'callin_number_fees_unpaid',
  'callin_sign_ins_total{result}',
  'callin_event_streams',
  'callin_event_streams_cut_total{reason}',
  'callin_webhook_deliveries_total{event,result}',
  'callin_webhook_pending',
  'callin_webhook_oldest_seconds',
  'callin_node_state{state}',
];

function fill(metrics: Metrics): void {
  metrics.callsActive.inc({ direction: 'inbound' });
  metrics.callsTotal.inc({ direction: 'inbound', class: 'byoc', result: 'answered', reason: 'remote_hangup' });
  metrics.callSetupSeconds.observe({ direction: 'inbound' }, 0.3);
  metrics.postDialDelaySeconds.observe(2);
  metrics.callDurationSeconds.observe({ class: 'byoc' }, 61);
  metrics.sipRequestsTotal.inc({ method: 'INVITE', direction: 'inbound' });
  metrics.sipResponsesTotal.inc({ method: 'INVITE', code: 200, direction: 'outbound' });
  metrics.sipBansTotal.inc({ reason: 'scanner' });
  metrics.sipBanned.set(1);
  metrics.sipTurnedAwayTotal.inc({ reason: 'banned' });
  metrics.sipTableEntries.set({ table: 'dialogs' }, 1);
  metrics.sipRefusedTotal.inc({ what: 'malformed' });
  metrics.trunkUp.set({ trunk: 'trunk_a' }, 1);
  metrics.srtpRejectedTotal.inc(1);
  metrics.rtpPacketsTotal.inc({ direction: 'inbound' }, 50);
  metrics.rtpLostTotal.inc(2);
  metrics.oneWayAudioTotal.inc({ missing: 'from_caller' });
  metrics.rtpJitterSeconds.observe(0.004);
  metrics.agentConnectSeconds.observe({ protocol: 'raw' }, 0.02);
  metrics.billedSecondsTotal.inc({ meter: 'telephony', class: 'byoc' }, 60);
  metrics.revenueTotal.inc({ meter: 'compute' }, 0.012);
  metrics.ledgerLagSeconds.set(0);
  metrics.unbilledAnsweredCalls.set(0);
  metrics.journalFsyncSeconds.observe(0.0008);
  metrics.leaseDeniedTotal.inc({ reason: 'insufficient_balance' });
  metrics.overshootTotal.inc();
  metrics.supplierCostTotal.inc(0.018);
  metrics.verificationsTotal.inc({ event: 'called' });
  metrics.engineConnected.set({ engine: 'sip' }, 1);
  metrics.eventLoopLagSeconds.set({ thread: 'main' }, 0.01);
  metrics.numberFeesUnpaid.set(1);
  metrics.signInsTotal.inc({ result: 'ok' });
  metrics.eventStreams.set(1);
  metrics.eventStreamsCutTotal.inc({ reason: 'slow' });
  metrics.webhookDeliveriesTotal.inc({ event: 'call.ended', result: 'delivered' });
  metrics.webhookPending.set(2);
  metrics.webhookOldestSeconds.set(7);
  metrics.nodeState.set('active');
}

/** `name{labels}` of every family in a text exposition, histogram suffixes folded. */
function familiesOf(text: string): string[] {
  const families = new Map<string, string[]>();
  for (const line of text.split('\n').filter((each) => each !== '' && !each.startsWith('#'))) {
    const match = /^([a-z_]+?)(?:_bucket|_sum|_count)?(?:\{([^}]*)\})? /.exec(line);
    const labels = [...(match?.[2] ?? '').matchAll(/(\w+)="/g)].map((each) => each[1] ?? '').filter((l) => l !== 'le');
    families.set(match?.[1] ?? line, labels);
  }
  return [...families].map(([name, labels]) => (labels.length > 0 ? `${name}{${labels.join(',')}}` : name));
}

describe('metrics', () => {
  test('every promised name is there with its labels, and nothing else carries the prefix', async () => {
    const metrics = createMetrics({ processDefaults: false });
    fill(metrics);
    expect(familiesOf(await metrics.render()).sort()).toEqual([...PROMISED].sort());
  });

  test('values come out as they went in', async () => {
    const metrics = createMetrics({ processDefaults: false });
    fill(metrics);
    const text = await metrics.render();
    expect(text).toContain(
      'callin_calls_total{direction="inbound",class="byoc",result="answered",reason="remote_hangup"} 1',
    );
    expect(text).toContain('callin_rtp_packets_total{direction="inbound"} 50');
    expect(text).toContain('callin_call_duration_seconds_bucket{le="120",class="byoc"} 1');
    expect(text).toContain('callin_call_duration_seconds_bucket{le="60",class="byoc"} 0');
  });

  test('the node is in exactly one state', async () => {
    const metrics = createMetrics({ processDefaults: false });
    metrics.nodeState.set('active');
    metrics.nodeState.set('draining');
    const text = await metrics.render();
    expect(text).toContain('callin_node_state{state="draining"} 1');
    expect(text).toContain('callin_node_state{state="active"} 0');
  });

  test('methods and status codes from strangers share one line', async () => {
    const metrics = createMetrics({ processDefaults: false });
    for (let i = 0; i < 500; i += 1) {
      metrics.sipRequestsTotal.inc({ method: `X${i}`, direction: 'inbound' });
      metrics.sipResponsesTotal.inc({ method: 'INVITE', code: 1000 + i, direction: 'inbound' });
    }
    const text = await metrics.render();
    expect(text).toContain('callin_sip_requests_total{method="other",direction="inbound"} 500');
    expect(text).toContain('callin_sip_responses_total{method="INVITE",code="other",direction="inbound"} 500');
    expect(text).not.toContain('X17');
  });

  test('beyond a thousand trunks the label stops growing, and a removed trunk frees its place', async () => {
    const metrics = createMetrics({ processDefaults: false });
    for (let i = 0; i < 1200; i += 1) metrics.trunkUp.set({ trunk: `t${i}` }, 1);
    const lines = async () =>
      (await metrics.render()).split('\n').filter((line) => line.startsWith('callin_trunk_up{'));
    expect(await lines()).toHaveLength(1001);
    metrics.trunkUp.remove({ trunk: 't5' });
    expect(await lines()).toHaveLength(1000);
    metrics.trunkUp.set({ trunk: 't1100' }, 0);
    expect(await lines()).toContain('callin_trunk_up{trunk="t1100"} 0');
  });

  test('two nodes in one process do not share figures', async () => {
    const [one, two] = [createMetrics({ processDefaults: false }), createMetrics({ processDefaults: false })];
    one.overshootTotal.inc(7);
    expect(await one.render()).toContain('callin_overshoot_total 7');
    expect(await two.render()).toContain('callin_overshoot_total 0');
  });

  test('collectors run before each rendering', async () => {
    const metrics = createMetrics({ processDefaults: false });
    metrics.onCollect(() => metrics.rtpLostTotal.inc(3));
    await metrics.render();
    expect(await metrics.render()).toContain('callin_rtp_lost_total 6');
  });

  test('process defaults come without our prefix', async () => {
    const text = await createMetrics().render();
    expect(text).toContain('process_cpu_seconds_total');
    expect(text).toContain('nodejs_eventloop_lag_seconds');
  });

  test('what the header says is missing is missing', () => {
    const source = readFileSync(new URL('../../src/observability/metrics.ts', import.meta.url), 'utf8');
    for (const name of ['mos', 'agent_response_seconds', 'bargein_stop_seconds', 'media_transit_seconds']) {
      expect(source).toContain(`callin_${name}`);
      expect(PROMISED.some((promised) => promised.startsWith(`callin_${name}`))).toBe(false);
    }
  });
});
