// The smallest Node program that moves the frames of a call: RTP in -> WebSocket text out, WebSocket text in -> RTP out.
// No SIP, no meter, no reordering, no pacing, no limits: what this costs is what Node costs. The gateway is measured against it.
//
// Messages from the parent: {type: 'open', calls, agentUrl} -> {type: 'opened', ports: [RTP port of each call]}.

import { once } from 'node:events';
import { WebSocket } from 'ws';
import { bindUdp } from '../support/dgram.ts';

const RTP_HEADER_BYTES = 12;
const FRAME_SAMPLES = 160;
const SOCKET_BUFFER_BYTES = 1 << 18;

process.on('message', (message: { type: string; calls: number; agentUrl: string }) => {
  if (message.type === 'open') void open(message.calls, message.agentUrl);
});
process.on('disconnect', () => process.exit(0));

async function open(calls: number, agentUrl: string): Promise<void> {
  const ports: number[] = [];
  for (let call = 0; call < calls; call++) ports.push(await relay(agentUrl, `MZ${call}`));
  process.send?.({ type: 'opened', ports });
}

async function relay(agentUrl: string, streamSid: string): Promise<number> {
  const agent = new WebSocket(agentUrl, { perMessageDeflate: false });
  await once(agent, 'open');
  agent.send(JSON.stringify({ event: 'connected', protocol: 'Call', version: '1.0.0' }));
  agent.send(JSON.stringify({ event: 'start', sequenceNumber: '1', streamSid, start: { streamSid } }));
  const socket = await bindUdp(SOCKET_BUFFER_BYTES);
  let callerPort = 0;
  let chunk = 0;
  let sequence = 0;
  socket.on('message', (packet, from) => {
    callerPort = from.port;
    chunk++;
    const payload = packet.toString('base64', RTP_HEADER_BYTES);
    const media = { track: 'inbound', chunk: String(chunk), timestamp: String((chunk - 1) * 20), payload };
    agent.send(JSON.stringify({ event: 'media', sequenceNumber: String(chunk + 1), streamSid, media }));
  });
  agent.on('message', (data: Buffer) => {
    const { media } = JSON.parse(data.toString()) as { media?: { payload: string } };
    if (!media || callerPort === 0) return;
    const payload = Buffer.from(media.payload, 'base64');
    const header = Buffer.alloc(RTP_HEADER_BYTES);
    header[0] = 0x80;
    header.writeUInt16BE(sequence & 0xffff, 2);
    header.writeUInt32BE((sequence * FRAME_SAMPLES) >>> 0, 4);
    header.writeUInt32BE(1, 8);
    sequence++;
    socket.send([header, payload], callerPort, '127.0.0.1');
  });
  return socket.address().port;
}
