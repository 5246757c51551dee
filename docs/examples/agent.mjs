// The smallest agent worth calling: plays a chime, then echoes the caller. docs/agents.md walks through it.
//
//   AUTH_TOKEN=shared-secret node docs/examples/agent.mjs
//
// STREAM_URL must be, byte for byte, the `stream.url` of the agent in the gateway: that text is what is signed.

import { createHmac, timingSafeEqual } from 'node:crypto';
import { createServer } from 'node:http';
import { WebSocketServer } from 'ws';

const STREAM_URL = process.env.STREAM_URL ?? 'ws://127.0.0.1:9000/media';
const AUTH_TOKEN = process.env.AUTH_TOKEN ?? '';
const { hostname, port, pathname, search } = new URL(STREAM_URL);

const sockets = new WebSocketServer({ noServer: true, maxPayload: 64 * 1024 });
const server = createServer((_request, response) => response.writeHead(426).end());
server.on('upgrade', (request, socket, head) => {
  if (request.url !== pathname + search || !isSigned(request.headers['x-twilio-signature'])) {
    socket.end('HTTP/1.1 401 Unauthorized\r\nConnection: close\r\nContent-Length: 0\r\n\r\n');
  } else {
    sockets.handleUpgrade(request, socket, head, converse);
  }
});
server.listen(Number(process.env.PORT ?? port), process.env.HOST ?? hostname, () => {
  const checked = AUTH_TOKEN === '' ? 'signatures are NOT checked' : 'signed calls only';
  console.log(`agent for ${STREAM_URL} on port ${server.address().port}, ${checked}`);
});

/** X-Twilio-Signature = base64(HMAC-SHA1(authToken, configured URL)); compared in constant time. */
function isSigned(signature = '') {
  if (AUTH_TOKEN === '') return true;
  const expected = createHmac('sha1', AUTH_TOKEN).update(STREAM_URL).digest();
  const given = Buffer.from(signature, 'base64');
  return given.length === expected.length && timingSafeEqual(given, expected);
}

function converse(socket) {
  let streamSid;
  let echoing = false;
  const send = (message) => socket.send(JSON.stringify({ streamSid, ...message }));
  socket.on('error', (error) => console.log('socket error:', error.message));
  socket.on('close', (code) => console.log(`closed with ${code}`));
  socket.on('message', (data) => {
    const message = JSON.parse(data);
    if (message.event !== 'media') console.log(String(data));
    switch (message.event) {
      case 'start':
        streamSid = message.streamSid;
        // One long message is fine: the gateway queues it and plays it in real time.
        send({ event: 'media', media: { payload: chime().toString('base64') } });
        send({ event: 'mark', mark: { name: 'chime' } });
        break;
      case 'mark': // The chime has been played to the caller.
        echoing = true;
        break;
      case 'media':
        if (echoing) send({ event: 'media', media: { payload: message.media.payload } });
        break;
      case 'dtmf':
        if (message.dtmf.digit === '#') send({ event: 'clear' }); // Forget what is queued (barge-in).
        if (message.dtmf.digit === '*') socket.close(1000); // Hang up.
        break;
    }
  });
}

/** 400 ms of two notes in G.711 µ-law at 8 kHz, without a header. */
function chime() {
  return Buffer.from(
    Array.from({ length: 3200 }, (_, n) => {
      const hertz = n < 1600 ? 660 : 880;
      return linearToUlaw(Math.round(9000 * Math.sin((2 * Math.PI * hertz * n) / 8000)));
    }),
  );
}

function linearToUlaw(sample) {
  const sign = sample < 0 ? 0x80 : 0;
  const magnitude = Math.min(Math.abs(sample), 32_635) + 132;
  const exponent = 24 - Math.clz32(magnitude);
  return ~(sign | (exponent << 4) | ((magnitude >> (exponent + 3)) & 0x0f)) & 0xff;
}
