import { readdirSync, readFileSync } from 'node:fs';
import { WebSocket } from 'ws';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Announcement, createCodeSpeaker, Tickets } from '../../../src/agents/bundled/code-speaker.ts';
import type { BundledCall } from '../../../src/agents/bundled/conversation.ts';
import { CODE_LANGUAGES } from '../../../src/agents/bundled/languages.ts';
import { readCodePrompts } from '../../../src/agents/bundled/prompts.ts';
import { type BundledAgents, startBundledAgents } from '../../../src/agents/bundled/server.ts';
import { agentDial } from '../../../src/agents/dial.ts';
import { createAgentStreamFactory } from '../../../src/agents/dialects.ts';
import { BundledAgentsError } from '../../../src/agents/errors.ts';
import { agent } from '../../directory/records.ts';
import { earFor } from '../../support/code-ear.ts';
import { RecordingHost } from '../recording-host.ts';

const PROMPTS = new URL('../../../src/agents/bundled/prompts/', import.meta.url);
const TOKEN = 'demo-token';

describe('the prompts', () => {
  test('every language has a folder and every folder a language; together they stay small', () => {
    const folders = readdirSync(PROMPTS, { withFileTypes: true }).filter((entry) => entry.isDirectory());
    expect(folders.map(({ name }) => name).sort()).toEqual([...CODE_LANGUAGES]);
    const files = readdirSync(PROMPTS, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
    const bytes = files.map(({ parentPath, name }) => readFileSync(`${parentPath}/${name}`).length);
    expect(bytes.reduce((sum, size) => sum + size, 0)).toBeLessThan(700_000);
  });

  test.each(CODE_LANGUAGES)('%s: a code is heard three times, digit by digit, within 45 s', (language) => {
    const speech = readCodePrompts().get(language)?.speech('907314') ?? Buffer.alloc(0);
    expect(earFor(language)(speech)).toEqual({
      codes: ['907314', '907314', '907314'],
      phrases: ['greeting', 'warning', 'intro', 'again', 'again'],
    });
    expect(speech.length / 8000).toBeLessThan(40);
  });

  test.each(CODE_LANGUAGES)('%s: no two digits sound alike', (language) => {
    const speak = readCodePrompts().get(language);
    const heard = Array.from({ length: 10 }, (_, digit) => speak?.speech(String(digit)).toString('base64'));
    expect(new Set(heard).size).toBe(10);
  });
});

describe('tickets', () => {
  const announcement = (ticket: string): Announcement => ({ ticket, code: '123456', language: 'en' });

  test('work once, for two minutes', () => {
    let nowMs = 0;
    const tickets = new Tickets(() => nowMs);
    tickets.add(announcement('a'));
    tickets.add(announcement('b'));
    expect(tickets.redeem('a')).toEqual(announcement('a'));
    expect(tickets.redeem('a')).toBeUndefined();
    nowMs = 120_000;
    expect(tickets.redeem('b')).toBeUndefined();
    expect(tickets.size).toBe(0);
  });

  test('that nobody redeems are forgotten', () => {
    let nowMs = 0;
    const tickets = new Tickets(() => nowMs);
    for (let index = 0; index < 5_000; index++) tickets.add(announcement(`t${index}`));
    expect(tickets.size).toBe(1000);
    expect(tickets.redeem('t4000')).toEqual(announcement('t4000'));
    nowMs = 120_000;
    tickets.add(announcement('last'));
    expect(tickets.size).toBe(1);
  });
});

describe('the code speaker, by media time', () => {
  function conversation(ticket: string | undefined) {
    const log: string[] = [];
    const said: Buffer[] = [];
    const call: BundledCall = {
      parameters: ticket === undefined ? {} : { ticket },
      say: (payload) => said.push(Buffer.from(payload, 'base64')),
      mark: (name) => log.push(`mark ${name}`),
      clear: () => log.push('clear'),
      hangUp: (how) => log.push(`hang up ${how}`),
    };
    const tickets = new Tickets(() => 0);
    tickets.add({ ticket: 'known', code: '000918', language: 'fr' });
    const talk = createCodeSpeaker(tickets, readCodePrompts()).answer(call);
    return { log, talk, said };
  }

  test('says the code in its language and hangs up when it was played', () => {
    const { log, talk, said } = conversation('known');
    expect(earFor('fr')(Buffer.concat(said)).codes).toEqual(['000918', '000918', '000918']);
    expect(log).toEqual(['mark spoken']);
    talk.heard(Buffer.alloc(160, 0).toString('base64'));
    talk.markPlayed('another');
    expect(log).toEqual(['mark spoken']);
    talk.markPlayed('spoken');
    expect(log).toEqual(['mark spoken', 'hang up done']);
  });

  test.each([['unknown'], [undefined], ['']])('says nothing for the ticket %s', (ticket) => {
    const { log, said } = conversation(ticket);
    expect([log, said]).toEqual([['hang up failed'], []]);
  });
});

describe('on its WebSocket', () => {
  let agents: BundledAgents;
  beforeAll(async () => {
    agents = await startBundledAgents({ host: '127.0.0.1', port: 0, authToken: TOKEN });
  });
  afterAll(() => agents.close());

  function dial(ticket: string, options: Parameters<typeof createAgentStreamFactory>[0] = {}) {
    const speaker = agent({ stream: { ...agent().stream, headers: {}, url: agents.codeUrl, authToken: TOKEN } });
    const outcome = agentDial(speaker, { callId: 'call_1', accountId: 'ws_a', parameters: { ticket } });
    if (!outcome.ok) throw new Error(outcome.failure.detail);
    const host = new RecordingHost();
    const stream = createAgentStreamFactory(options)(outcome.dial, host);
    return { stream, host };
  }

  test('an announced ticket is spoken and the stream ends in order', async () => {
    await agents.announce({ ticket: 'one', code: '135790', language: 'de' });
    const { stream, host } = dial('one');
    await host.readyPromise;
    stream.start();
    await host.until(() => host.events.includes('mark spoken'));
    expect(earFor('de')(Buffer.concat(host.heard)).codes).toEqual(['135790', '135790', '135790']);
    stream.markPlayed('spoken');
    await expect(host.endedPromise).resolves.toBeNull();
  });

  test('the same ticket again ends the stream as a failure, without a word', async () => {
    const { stream, host } = dial('one');
    await host.readyPromise;
    stream.start();
    await expect(host.endedPromise).resolves.toMatchObject({ code: 'agent_broken' });
    expect(host.heard).toEqual([]);
  });

  test('is dialled on loopback by its whole URL alone, whatever the policy for customers’ agents is', async () => {
    const addressAllowed = () => false;
    const own = dial('none', { addressAllowed, ownUrls: [agents.codeUrl] });
    await own.host.readyPromise;
    own.stream.close();
    const other = dial('none', { addressAllowed, ownUrls: [`${agents.codeUrl}/`, agents.echoUrl] });
    await expect(other.host.endedPromise).resolves.toMatchObject({ code: 'agent_url_invalid' });
  });

  test('without our signature it is closed to everybody', async () => {
    const socket = new WebSocket(agents.codeUrl);
    const error = await new Promise<Error>((resolve) => socket.once('error', resolve));
    expect(error.message).toContain('401');
  });

  test('nobody can be announced to a thread that is gone', async () => {
    const other = await startBundledAgents({ host: '127.0.0.1', port: 0, authToken: TOKEN });
    await other.close();
    const late = other.announce({ ticket: 'late', code: '1', language: 'en' });
    await expect(late).rejects.toThrowError(BundledAgentsError);
  });
});
