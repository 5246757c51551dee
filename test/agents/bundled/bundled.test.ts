import { readFileSync } from 'node:fs';
import { WebSocket } from 'ws';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';

import type { BundledCall } from '../../../src/agents/bundled/conversation.ts';
import { type BundledAgents, startBundledAgents } from '../../../src/agents/bundled/server.ts';
import { createSpeakerAgent } from '../../../src/agents/bundled/speaker.ts';
import { agentDial, twilioSignature } from '../../../src/agents/dial.ts';
import { createAgentStreamFactory } from '../../../src/agents/dialects.ts';
import { BundledAgentsError } from '../../../src/agents/errors.ts';
import { readWav } from '../../../src/agents/wav.ts';
import type { Agent } from '../../../src/domain/directory.ts';
import type { AgentStream } from '../../../src/media/agent-stream.ts';
import { RecordingHost } from '../recording-host.ts';

const TOKEN = 'demo-token';
const VOICE = Buffer.alloc(160, 0x00).toString('base64');
const SILENCE = Buffer.alloc(160, 0xff).toString('base64');

describe('the bundled agents, in their own thread', () => {
  let agents: BundledAgents;
  const streams: AgentStream[] = [];

  beforeAll(async () => {
    agents = await startBundledAgents({ host: '127.0.0.1', port: 0, authToken: TOKEN });
  });
  afterEach(() => {
    for (const stream of streams.splice(0)) stream.close();
  });
  afterAll(() => agents.close());

  function dial(url: string, authToken: string | null): { stream: AgentStream; host: RecordingHost } {
    const outcome = agentDial(agentAt(url, authToken), { callId: 'call_1', accountId: 'ws_demo', parameters: {} });
    if (!outcome.ok) throw new Error(outcome.failure.detail);
    const host = new RecordingHost();
    const stream = createAgentStreamFactory()(outcome.dial, host);
    streams.push(stream);
    return { stream, host };
  }

  test('echo sends back what it hears, behind a moment of silence', async () => {
    const { stream, host } = dial(agents.echoUrl, TOKEN);
    await host.readyPromise;
    stream.start();
    const frames = Array.from({ length: 20 }, (_, index) => Buffer.alloc(160, index));
    frames.forEach((frame, index) => {
      stream.audio(frame, 0, 160, index * 20);
    });
    await host.until(() => host.heard.length === 25);
    expect(Buffer.concat(host.heard)).toEqual(Buffer.concat([Buffer.alloc(800, 0xff), ...frames]));
  });

  test('speaker plays the welcome prompt, marks it, and clears when the caller talks', async () => {
    const { stream, host } = dial(agents.speakerUrl, TOKEN);
    await host.readyPromise;
    stream.start();
    await host.until(() => host.events.includes('mark utterance-1'));
    const prompt = readWav(readFileSync(new URL('../../../src/agents/bundled/prompts/welcome.wav', import.meta.url)));
    expect(prompt.ok && prompt.wav.data.equals(Buffer.concat(host.heard))).toBe(true);
    for (let frame = 0; frame < 3; frame++) stream.audio(Buffer.alloc(160, 0), 0, 160, frame * 20);
    await host.until(() => host.events.includes('clear'));
    expect(host.events.at(-1)).toBe('clear');
  });

  test.each([
    ['without a signature', null],
    ['with a signature of another key', 'wrong'],
  ])('an upgrade %s gets 401', async (_name, token) => {
    const { host } = dial(agents.echoUrl, token);
    const failure = { code: 'agent_handshake_rejected', detail: 'status 401' };
    await expect(host.endedPromise).resolves.toEqual(failure);
  });

  test('nonsense from a signed caller is ignored message by message', async () => {
    const headers = { 'X-Twilio-Signature': twilioSignature(TOKEN, agents.echoUrl) };
    const socket = new WebSocket(agents.echoUrl, { headers });
    await new Promise((resolve) => socket.once('open', resolve));
    const nonsense = ['', 'x', 'null', '5', '[]', '{}', '{"event":"media"}', '{"event":"media","media":null}'];
    for (const text of nonsense) socket.send(text);
    socket.send(Buffer.alloc(10));
    socket.send('{"event":"start","streamSid":7}');
    for (const text of [...nonsense, '{"event":"mark","mark":{"name":[]}}']) socket.send(text);
    const heard = new Promise((resolve) => {
      socket.on('message', (data) => data.toString().includes('QUJD') && resolve(data.toString()));
    });
    socket.send('{"event":"media","media":{"payload":{}}}');
    socket.send('{"event":"media","media":{"payload":"QUJD"}}');
    await expect(heard).resolves.toBe('{"event":"media","media":{"payload":"QUJD"},"streamSid":""}');
    socket.terminate();
  });

  test('an unknown path gets 404', async () => {
    const { host } = dial(agents.echoUrl.replace('/echo', '/nobody'), TOKEN);
    await expect(host.endedPromise).resolves.toMatchObject({ detail: 'status 404' });
  });

  test('a port in use is an error with a code, not a crash', async () => {
    const port = Number(new URL(agents.echoUrl).port);
    const second = startBundledAgents({ host: '127.0.0.1', port, authToken: TOKEN });
    await expect(second).rejects.toThrowError(BundledAgentsError);
    await expect(second).rejects.toThrowError(/EADDRINUSE/);
  });

  test('close disconnects calls and may be repeated', async () => {
    const other = await startBundledAgents({ host: '127.0.0.1', port: 0, authToken: TOKEN });
    const { host } = dial(other.echoUrl, TOKEN);
    await host.readyPromise;
    await Promise.all([other.close(), other.close()]);
    await expect(host.endedPromise).resolves.toMatchObject({ code: 'agent_broken' });
  });
});

describe('the speaker, by media time', () => {
  const script = { welcome: Buffer.alloc(3_300, 1), interrupted: Buffer.alloc(100, 2), again: Buffer.alloc(100, 3) };

  function conversation(): {
    log: string[];
    hear: (payload: string, frames: number) => void;
    played: (n: number) => void;
  } {
    const log: string[] = [];
    const call: BundledCall = {
      parameters: {},
      say: (payload) => {
        const audio = Buffer.from(payload, 'base64');
        log.push(`say ${audio.length} of ${audio[0]}`);
      },
      mark: (name) => log.push(name),
      clear: () => log.push('clear'),
      hangUp: (how) => log.push(`hang up ${how}`),
    };
    const talk = createSpeakerAgent(script).answer(call);
    return {
      log,
      hear: (payload, frames) => {
        for (let frame = 0; frame < frames; frame++) talk.heard(payload);
      },
      played: (utterance) => talk.markPlayed(`utterance-${utterance}`),
    };
  }

  const welcome = ['say 1600 of 1', 'say 1600 of 1', 'say 100 of 1', 'utterance-1'];

  test('greets at once', () => {
    expect(conversation().log).toEqual(welcome);
  });

  test('stops after 60 ms of voice, once, and answers after 700 ms of silence', () => {
    const { log, hear } = conversation();
    hear(VOICE, 2);
    hear(SILENCE, 1);
    hear(VOICE, 2);
    expect(log).toEqual(welcome);
    hear(VOICE, 50);
    expect(log).toEqual([...welcome, 'clear']);
    hear(SILENCE, 34);
    expect(log).toEqual([...welcome, 'clear']);
    hear(SILENCE, 1);
    expect(log).toEqual([...welcome, 'clear', 'say 100 of 2', 'utterance-2']);
  });

  test('the mark of what was cleared does not count as played', () => {
    const { log, hear, played } = conversation();
    hear(VOICE, 3);
    played(1);
    hear(SILENCE, 35);
    played(1);
    hear(SILENCE, 300);
    expect(log.at(-1)).toBe('utterance-2');
  });

  test('reminds a silent caller every 6 s, three times', () => {
    const { log, hear, played } = conversation();
    played(1);
    for (let reminder = 2; reminder < 10; reminder++) {
      hear(SILENCE, 300);
      played(reminder);
    }
    expect(log.slice(welcome.length).filter((line) => line.startsWith('say'))).toEqual(Array(3).fill('say 100 of 3'));
  });

  test('does not interrupt itself when the caller talks into a pause', () => {
    const { log, hear, played } = conversation();
    played(1);
    hear(VOICE, 10);
    expect(log).toEqual(welcome);
    hear(SILENCE, 35);
    expect(log.at(-1)).toBe('utterance-2');
  });
});

function agentAt(url: string, authToken: string | null): Agent {
  return {
    id: 'agent_demo',
    createdAt: 0,
    workspaceId: 'ws_demo',
    name: 'demo',
    stream: { url, protocol: 'twilio', codec: 'PCMU', headers: {}, authToken, customParameters: {} },
    fallbackAgentId: null,
    readyTimeoutMs: 5_000,
  };
}
