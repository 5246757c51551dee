import { describe, expect } from 'vitest';
import { RawSipPeer, responseText } from '../../support/raw-sip-peer.ts';
import { establishInbound } from './caller.ts';
import { application, atEnd, differs, item, settle, startTarget } from './target.ts';
import { headerOf } from './wire-client.ts';

const NOT_TRIED = differs('it asks nobody');

/** A call over TCP whose connection breaks; its peer listens where its Contact says. */
async function broken() {
  const target = await startTarget({ fakeClock: true });
  const client = await application(target, 'invite');
  const listener = await RawSipPeer.tcpListener();
  atEnd(() => listener.close());
  const peer = await RawSipPeer.tcp(target.tcpPort);
  const contact = `<sip:carrier@127.0.0.1:${listener.port};transport=tcp>`;
  const { caller } = await establishInbound(target, client, peer, { contact });
  await peer.close();
  await settle();
  const asked = async () => {
    // A peer that closes its side may still wait for responses: its connection is over 32 s later.
    await target.advance(40_000, 1_000);
    const again = await listener.accepted;
    atEnd(() => again.close());
    return { again, options: await again.next('OPTIONS') };
  };
  return { target, client, caller, listener, asked };
}

describe('signalling 7: a call whose connection is gone', () => {
  item(35, 'is asked about over a new one; a peer that knows it no more has ended it', NOT_TRIED, async () => {
    const { target, client, caller, asked } = await broken();
    const { again, options } = await asked();
    expect([options.header('Call-ID'), options.tag('To')]).toEqual([caller.callId, caller.fromTag]);
    again.send(responseText(again, options, 481), target.tcpPort);
    const bye = await client.nextSip('BYE');
    expect([bye.tokens[8], bye.tokens[9], headerOf(bye.sip, 'Reason')]).toEqual([
      'unsolicited',
      caller.dialogId,
      'SIP;cause=200;text="Peer lost"',
    ]);
    expect(target.holds()).toMatchObject({ dialogs: 0 });
    expect((await again.rest()).filter((line) => line.startsWith('BYE'))).toEqual([]);
  });

  item(35, 'goes on where the peer knows it, and is not asked about again for five minutes', NOT_TRIED, async () => {
    const { target, client, asked } = await broken();
    const { again, options } = await asked();
    again.send(responseText(again, options, 405), target.tcpPort);
    await settle();
    await again.close();
    await target.advance(50_000, 2_000);
    expect([await client.rest(), target.holds().dialogs]).toEqual([[], 1]);
  });

  item(35, 'goes on where nobody can be asked: media and session timers watch over it', NOT_TRIED, async () => {
    const { target, client, listener } = await broken();
    await listener.close();
    await target.advance(80_000, 2_000);
    expect([await client.rest(), target.holds().dialogs]).toEqual([[], 1]);
  });
});
