// The agent of the benches: a WebSocket server that speaks the Twilio dialect and sends every frame of audio straight back.
// A process of its own, and as little work per frame as can be: it is part of the load, not of what is measured.
//
// Messages to the parent: {type: 'listening', port}; on {type: 'count'}: {type: 'counted', sockets, socketsAll, frames}.

import { WebSocketServer } from 'ws';

const PAYLOAD_KEY = '"payload":"';

const server = new WebSocketServer({ host: '127.0.0.1', port: 0, perMessageDeflate: false, maxPayload: 1 << 20 });
let socketsAll = 0;
let frames = 0;

server.on('connection', (socket) => {
  socketsAll++;
  let head = '';
  socket.on('error', () => socket.terminate());
  socket.on('message', (data: Buffer) => {
    const text = data.toString('latin1');
    if (head === '') {
      head = answerHead(text);
      return;
    }
    const start = text.indexOf(PAYLOAD_KEY);
    if (start === -1) return;
    const end = text.indexOf('"', start + PAYLOAD_KEY.length);
    frames++;
    socket.send(`${head}${text.slice(start + PAYLOAD_KEY.length, end)}"}}`);
  });
});

server.on('listening', () => {
  const address = server.address();
  process.send?.({ type: 'listening', port: typeof address === 'object' ? address?.port : 0 });
});

process.on('message', (message: { type: string }) => {
  if (message.type === 'count') process.send?.({ type: 'counted', sockets: server.clients.size, socketsAll, frames });
});
process.on('disconnect', () => process.exit(0));

/** Empty until `start` has told which stream this is. */
function answerHead(text: string): string {
  const message = JSON.parse(text) as { event: string; streamSid?: string };
  if (message.event !== 'start') return '';
  return `{"event":"media","streamSid":"${message.streamSid}","media":{"payload":"`;
}
