import Srf from 'drachtio-srf';
import { describe, expect } from 'vitest';
import { responseText, SDP } from '../../support/raw-sip-peer.ts';
import { Caller, clientRequest, establishInbound, respond } from './caller.ts';
import { answerCall, placeCall } from './outbound.ts';
import { application, atEnd, differs, item, SECRET, settle, startTarget, type Target, udpPeer } from './target.ts';
import type { Frame, WireClient } from './wire-client.ts';

const NOT_ASKED = differs('3: it sends none unless its configuration says so');

async function recorder(target: Target): Promise<WireClient> {
  return application(target, 'cdr:attempt', 'cdr:start', 'cdr:stop');
}

/** Event, source, role or reason, and the message’s first words. */
function told({ tokens, sip }: Frame): string {
  const [, event, source, , detail = ''] = tokens;
  return [
    event,
    source,
    detail,
    sip
      .split(' ')
      .slice(0, 2)
      .join(' ')
      .replace(/ sip:.*/, ''),
  ]
    .join(' ')
    .replace(/ {2,}/g, ' ');
}

const allTold = async (client: WireClient): Promise<string[]> => {
  await settle();
  return client.received.map(told);
};

describe('call records (section 3)', () => {
  item(6, 'an inbound call: attempt, start, stop; only who asked for them is told', NOT_ASKED, async () => {
    const target = await startTarget();
    const records = await recorder(target);
    const client = await application(target, 'invite');
    const { caller } = await establishInbound(target, client, await udpPeer());
    caller.sendInDialog('BYE');
    await respond(client, await client.nextSip('BYE'), 200);
    expect(await allTold(records)).toEqual([
      'cdr:attempt network INVITE',
      'cdr:start application uas SIP/2.0 200',
      'cdr:stop network normal-release BYE',
    ]);
    expect(records.received[0]?.tokens[3]).toMatch(/^\d\d:\d\d:\d\d\.\d{6}$/);
    expect(client.received.filter(({ tokens }) => tokens[1]?.startsWith('cdr:'))).toEqual([]);
  });

  item(6, 'an outbound call that we end', NOT_ASKED, async () => {
    const target = await startTarget();
    const records = await recorder(target);
    const client = await application(target);
    const peer = await udpPeer();
    const call = await placeCall(client, peer);
    await answerCall(target, client, peer, call);
    await client.ask(`sip||${call.dialogId}`, clientRequest('BYE', 'sip:placeholder'));
    expect(await allTold(records)).toEqual([
      'cdr:attempt application INVITE',
      'cdr:start network uac SIP/2.0 200',
      'cdr:stop application normal-release BYE',
    ]);
  });

  item(
    6,
    'attempts that come to nothing: refused by us, cancelled by the caller, refused by the callee',
    NOT_ASKED,
    async () => {
      const target = await startTarget();
      const records = await recorder(target);
      const client = await application(target, 'invite');
      const peer = await udpPeer();
      const [refused, cancelled] = [new Caller(peer, target), new Caller(peer, target)];
      refused.send(refused.invite());
      await respond(client, await client.nextSip('INVITE'), 486);
      cancelled.send(cancelled.invite());
      await client.nextSip('INVITE');
      cancelled.send(cancelled.request('CANCEL', { branch: cancelled.inviteBranch }));
      await peer.next(487);
      const call = await placeCall(client, peer);
      peer.send(responseText(peer, call.invite, 404, { toTag: 'x' }), target.sipPort);
      await client.nextSip('SIP/2.0 404');
      expect(await allTold(records)).toEqual([
        'cdr:attempt network INVITE',
        'cdr:stop application call-rejected SIP/2.0 486',
        'cdr:attempt network INVITE',
        'cdr:stop application call-canceled SIP/2.0 487',
        'cdr:attempt application INVITE',
        'cdr:stop network call-rejected SIP/2.0 404',
      ]);
    },
  );

  item(6, 'a 200 that nobody acknowledges: stopped by the engine, once', NOT_ASKED, async () => {
    const target = await startTarget({ fakeClock: true });
    const records = await recorder(target);
    const client = await application(target, 'invite');
    const caller = new Caller(await udpPeer(), target);
    caller.send(caller.invite());
    await respond(client, await client.nextSip('INVITE'), 200, { body: SDP });
    await target.advance(33_000, 1_000);
    expect((await allTold(records)).filter((line) => line.startsWith('cdr:stop'))).toEqual([
      'cdr:stop application system-initiated-termination BYE',
    ]);
  });

  item(41, 'the library hands them to its handlers', NOT_ASKED, async () => {
    const target = await startTarget();
    const heard: string[] = [];
    const srf = new Srf() as unknown as {
      on(event: string, handler: (...values: never[]) => void): void;
      connect(options: object): void;
      disconnect(): void;
    };
    srf.on('error', () => undefined);
    for (const event of ['attempt', 'start', 'stop']) {
      srf.on(`cdr:${event}`, (source: string) => void heard.push(`${event} ${source}`));
    }
    const connected = new Promise((resolve) => srf.on('connect', resolve));
    srf.connect({ host: '127.0.0.1', port: target.wirePort, secret: SECRET });
    await connected;
    atEnd(() => srf.disconnect());
    const client = await application(target, 'invite');
    const { caller } = await establishInbound(target, client, await udpPeer());
    caller.sendInDialog('BYE');
    await respond(client, await client.nextSip('BYE'), 200);
    await settle();
    expect(heard).toEqual(['attempt network', 'start application', 'stop network']);
  });
});
