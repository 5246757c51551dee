import { once } from 'node:events';
import net from 'node:net';
import { describe, expect } from 'vitest';
import { RawSipPeer, responseText, SDP } from '../../support/raw-sip-peer.ts';
import { clientRequest, establishInbound } from './caller.ts';
import { answerCall } from './outbound.ts';
import { application, atEnd, differs, item, startTarget, udpPeer } from './target.ts';
import { headerOf, tagOf, type WireClient } from './wire-client.ts';

// RFC 3261 section 18.1.1: what does not fit into a datagram goes over TCP, and by UDP after all where there is no TCP.

const NEVER_SWITCHES = differs('4.9: UDP never switches to TCP by size');
const LONG = [`X-Long: ${'x'.repeat(1_300)}`];

async function place(client: WireClient, port: number, headers: readonly string[] = LONG, transport = '') {
  const uri = `sip:callee@127.0.0.1:${port}${transport}`;
  const echo = await client.ask('sip||', clientRequest('INVITE', uri, headers, SDP));
  const dialogId = `${headerOf(echo.sip, 'Call-ID')};from-tag=${tagOf(echo.sip, 'From')}`;
  return { echo, dialogId, txnId: echo.tokens[10] ?? '' };
}

const PORT_ATTEMPTS = 20;

/** Listens on UDP and TCP of one port: the system finds it for UDP, and somebody's connection may hold it for TCP. */
async function bothWays() {
  for (let attempt = 1; ; attempt += 1) {
    const udp = await udpPeer();
    const server = net.createServer();
    server.listen(udp.port, '127.0.0.1');
    try {
      await once(server, 'listening');
      return listening(udp, server);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE' || attempt === PORT_ATTEMPTS) throw error;
    }
  }
}

function listening(udp: RawSipPeer, server: net.Server) {
  const accepted = new Promise<net.Socket>((resolve) => server.once('connection', resolve));
  atEnd(() => new Promise<void>((resolve) => server.close(() => resolve())));
  return { udp, accepted };
}

function textOf(socket: net.Socket): { read(end: string): Promise<string> } {
  let text = '';
  socket.on('data', (chunk: Buffer) => {
    text += chunk.toString();
  });
  return {
    read: async (end) => {
      await expect.poll(() => text).toContain(end);
      const seen = text;
      text = '';
      return seen;
    },
  };
}

describe('signalling 7: requests above 1300 bytes', () => {
  for (const transport of ['', ';transport=udp']) {
    item(9, `go over TCP${transport === '' ? '' : ', also where UDP is named'}`, NEVER_SWITCHES, async () => {
      const target = await startTarget();
      const client = await application(target);
      const { udp, accepted } = await bothWays();
      const { echo } = await place(client, udp.port, LONG, transport);
      const socket = await accepted;
      atEnd(() => void socket.destroy());
      const invite = await textOf(socket).read(SDP);
      expect(invite).toBe(echo.sip);
      expect(echo.tokens[6]).toBe('tcp');
      expect(headerOf(invite, 'Via')).toMatch(/^SIP\/2\.0\/TCP /);
      // The dialog is not moved by it.
      expect(headerOf(invite, 'Contact')).not.toContain('transport');
      expect(await udp.rest()).toEqual([]);
    });
  }

  item(21, 'their CANCEL and the ACK of a refusal travel the same way', NEVER_SWITCHES, async () => {
    const target = await startTarget();
    const client = await application(target);
    const { udp, accepted } = await bothWays();
    const { txnId } = await place(client, udp.port);
    const socket = await accepted;
    atEnd(() => void socket.destroy());
    const reader = textOf(socket);
    const invite = await reader.read(SDP);
    const answer = (status: string) =>
      [
        `SIP/2.0 ${status}`,
        ...['Via', 'From', 'Call-ID', 'CSeq'].map((name) => `${name}: ${headerOf(invite, name)}`),
        `To: ${headerOf(invite, 'To')};tag=t`,
        'Content-Length: 0',
        '',
        '',
      ].join('\r\n');
    socket.write(answer('180 Ringing'));
    await client.nextSip('SIP/2.0 180');
    await client.ask(`sip|${txnId}|`, clientRequest('CANCEL', 'sip:x@127.0.0.1'));
    const cancel = await reader.read('CANCEL');
    expect(headerOf(cancel, 'Via')).toBe(headerOf(invite, 'Via'));
    socket.write(answer('487 Request Terminated'));
    await client.nextSip('SIP/2.0 487');
    expect(headerOf(await reader.read('ACK'), 'Via')).toBe(headerOf(invite, 'Via'));
  });

  item(9, 'go by UDP where TCP is refused, and so do the next ones at once', NEVER_SWITCHES, async () => {
    const target = await startTarget();
    const client = await application(target);
    const peer = await udpPeer();
    for (let count = 0; count < 2; count += 1) {
      const { echo, dialogId, txnId } = await place(client, peer.port);
      const invite = await peer.next('INVITE');
      expect(invite.header('Via')).toMatch(/^SIP\/2\.0\/UDP /);
      expect(echo.tokens[6]).toBe(count === 0 ? 'tcp' : 'udp');
      await answerCall(target, client, peer, { echo, invite, txnId, dialogId });
      await client.ask(`sip||${dialogId}`, clientRequest('BYE', 'sip:placeholder'));
      peer.send(responseText(peer, await peer.next('BYE'), 200), target.sipPort);
      await client.nextSip('SIP/2.0 200');
    }
    expect(target.holds().dialogs).toBe(0);
  });

  item(17, 'end in 503 where nobody is by either way', NEVER_SWITCHES, async () => {
    const target = await startTarget();
    const client = await application(target);
    const gone = await RawSipPeer.udp();
    await gone.close();
    await place(client, gone.port);
    await client.nextSip('SIP/2.0 503');
  });

  item(
    9,
    'stay with UDP where they fit, where there is no TCP, and on the way back through a NAT',
    NEVER_SWITCHES,
    async () => {
      const target = await startTarget();
      const client = await application(target, 'invite');
      const { udp } = await bothWays();
      await place(client, udp.port, []);
      expect((await udp.next('INVITE')).header('Via')).toMatch(/^SIP\/2\.0\/UDP /);

      // It would take TCP; through a real NAT it could not be reached by it.
      const { udp: behindNat } = await bothWays();
      const contact = '<sip:caller@10.1.2.3:5099>';
      const { caller } = await establishInbound(target, client, behindNat, { contact });
      const body = 'x'.repeat(1_400);
      await client.ask(
        `sip||${caller.dialogId}`,
        clientRequest('MESSAGE', 'sip:placeholder', ['content-type: text/plain'], body),
      );
      expect((await behindNat.next('MESSAGE')).header('Via')).toMatch(/^SIP\/2\.0\/UDP /);

      const alone = await startTarget({ engine: { tcp: undefined } });
      const other = await application(alone);
      await place(other, udp.port);
      expect((await udp.next('INVITE')).header('Via')).toMatch(/^SIP\/2\.0\/UDP /);
    },
  );
});
