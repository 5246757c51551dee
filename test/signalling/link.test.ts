import { EventEmitter } from 'node:events';
import type { Socket } from 'node:net';
import { describe, expect, test } from 'vitest';
import { DialogWatch } from '../../src/signalling/dialog-watch.ts';
import type { DrachtioLink } from '../../src/signalling/drachtio.ts';
import type {
  RawAgent,
  RawDialog,
  RawReply,
  RawRequest,
  RawSrf,
  RawWire,
} from '../../src/signalling/drachtio-shapes.ts';
import { failureOf, Guard } from '../../src/signalling/guard.ts';
import { Exchange } from '../../src/signalling/link-handles.ts';
import { LinkInvite } from '../../src/signalling/link-invite.ts';
import { LinkRequests } from '../../src/signalling/link-requests.ts';
import { guardWire } from '../../src/signalling/wire-guard.ts';

// The pieces that hang on the link to the SIP engine, with a library that does what the real one does only under rare conditions.

function guarded() {
  const faults: string[] = [];
  const guard = new Guard((error) => void faults.push(error instanceof Error ? error.message : String(error)));
  const link = { safely: (act: () => void) => guard.safely(act) } as DrachtioLink;
  return { faults, guard, link };
}

/** A message of the library; what is emitted on it is what the engine sent. */
function message(fields: object): EventEmitter & RawRequest {
  return Object.assign(new EventEmitter(), { headers: {}, source: 'network', ...fields }) as EventEmitter & RawRequest;
}

function replies() {
  const sent: number[] = [];
  return { sent, reply: { send: (status) => void sent.push(status) } satisfies RawReply };
}

const boom = () => {
  throw new Error('boom');
};

describe('the guard', () => {
  test('what is thrown is a fault, told once, and goes no further', () => {
    const { faults, guard } = guarded();
    guard.safely(boom);
    guard.once(boom)();
    const failures: unknown[] = [];
    guard.attempt(boom, (error) => void failures.push((error as Error).message));
    expect([faults, failures]).toEqual([['boom', 'boom', 'boom'], ['boom']]);
  });

  test('a callback that is called twice counts once, also where the first time threw', () => {
    const { faults, guard } = guarded();
    const seen: number[] = [];
    const callback = guard.once((value: number) => {
      seen.push(value);
      boom();
    });
    callback(1);
    callback(2);
    expect([seen, faults]).toEqual([[1], ['boom']]);
  });

  test.each<[string, unknown, ReturnType<typeof failureOf>]>([
    ['text', 'no', [null, 'no', {}]],
    ['an error', new Error('no'), [null, 'no', {}]],
    ['nothing', null, [null, 'null', {}]],
    [
      'a response',
      Object.assign(new Error('Sip non-success response: 486'), {
        status: 486,
        res: { reason: 'Busy Here', headers: { 'Retry-After': 5 } },
      }),
      [486, 'Busy Here', { 'retry-after': '5' }],
    ],
    ['a status alone', Object.assign(new Error('gone'), { status: 408 }), [408, 'gone', {}]],
  ])('why an INVITE failed, where the library says %s', (_what, error, expected) => {
    expect(failureOf(error)).toEqual(expected);
  });
});

describe('what the library’s dialogs do not tell', () => {
  function watched() {
    const { faults, link } = guarded();
    const watch = new DialogWatch(link);
    const told: string[] = [];
    const listeners = {
      acked: ({ body }: { body: string }) => void told.push(`ack ${body}`),
      forkAnswered: () => void told.push('fork'),
    };
    watch.watch('d', listeners);
    const pass = (request: RawRequest) => {
      const { reply, sent } = replies();
      let passed = false;
      watch.before(request, reply, () => {
        passed = true;
      });
      return { passed, sent };
    };
    return { faults, pass, told, watch };
  }

  test('an ACK is told before the library sees it, and goes on to it; one of no dialog of ours too', () => {
    const { pass, told, watch } = watched();
    expect(pass(message({ method: 'ACK', stackDialogId: 'd', body: 'sdp' })).passed).toBe(true);
    expect(pass(message({ method: 'ACK' })).passed).toBe(true);
    watch.unwatch('d');
    expect(pass(message({ method: 'ACK', stackDialogId: 'd' })).passed).toBe(true);
    expect(told).toEqual(['ack sdp']);
  });

  test('a PRACK never reaches the library: its leg answers it, else it is answered here', () => {
    const { pass, watch } = watched();
    const request = message({ method: 'PRACK', stackDialogId: 'd', body: 'offer' });
    expect(pass(request)).toEqual({ passed: false, sent: [200] });
    const bodies: string[] = [];
    watch.watchPracks('d', (prack) => {
      bodies.push(prack.body);
      prack.respond(488);
    });
    expect(pass(request)).toEqual({ passed: false, sent: [488] });
    watch.unwatchPracks('d');
    expect(pass(request)).toEqual({ passed: false, sent: [200] });
    expect(bodies).toEqual(['offer']);
  });

  test('a second answer that the engine hung up on is told to the dialog of the first', () => {
    const { told, watch } = watched();
    watch.forked(message({ stackDialogId: 'd;fork=2' }));
    watch.forked(message({ stackDialogId: 'other;fork=2' }));
    watch.forked(message({}));
    expect(told).toEqual(['fork']);
  });

  test('with the connection all of it is gone', () => {
    const { pass, told, watch } = watched();
    watch.watchPracks('d', boom);
    watch.clear();
    expect(pass(message({ method: 'PRACK', stackDialogId: 'd' })).sent).toEqual([200]);
    pass(message({ method: 'ACK', stackDialogId: 'd' }));
    expect(told).toEqual([]);
  });

  test('a listener that throws is a fault', () => {
    const { faults, pass, watch } = watched();
    watch.watch('d', { acked: boom, forkAnswered: boom });
    expect(pass(message({ method: 'ACK', stackDialogId: 'd' })).passed).toBe(true);
    watch.forked(message({ stackDialogId: 'd;fork=1' }));
    expect(faults).toEqual(['boom', 'boom']);
  });
});

describe('an INVITE of ours', () => {
  type Progress = { cbRequest(error: unknown, request?: RawRequest): void; cbProvisional(response: object): void };

  function sent(createUAC?: () => void) {
    const { faults, guard, link } = guarded();
    const told: string[] = [];
    let progress: Progress | undefined;
    let finish: (error: unknown, dialog?: RawDialog) => void = () => undefined;
    let options: object = {};
    const srf = {
      createUAC(_uri: string, given: object, reported: Progress, finished: typeof finish) {
        [options, progress, finish] = [given, reported, finished];
        createUAC?.();
      },
    } as unknown as RawSrf;
    const invite = new LinkInvite(link, guard, {
      sent: ({ headers }) => void told.push(`sent ${headers['call-id']}`),
      provisional: (status, _headers, body) => void told.push(`${status} ${body}`.trim()),
      updated: (exchange) => void told.push(`update ${exchange.body}`),
      cancelTaken: () => void told.push('cancel taken'),
      answered: (dialog, _headers, body) => void told.push(`answered ${dialog.remoteTarget} ${body}`),
      failed: (status, reason) => void told.push(`failed ${status} ${reason}`),
    });
    const cancels: object[] = [];
    const request = Object.assign(message({ headers: { 'Call-ID': 'c' } }), {
      cancel: ({ headers }: { headers: object }, callback: (error: unknown) => void) => {
        cancels.push(headers);
        callback(null);
      },
    });
    invite.send(srf, 'sip:b@192.0.2.1', { headers: {}, body: 'offer', nextHop: 'sip:192.0.2.2' });
    return {
      cancels,
      faults,
      finish: (error: unknown, dialog?: RawDialog) => finish(error, dialog),
      invite,
      leave: () => progress?.cbRequest(null, request),
      options,
      progress: () => progress,
      request,
      told,
    };
  }
  const dialog = { remote: { uri: 'sip:b@192.0.2.9' }, res: { headers: {}, body: 'answer' } } as unknown as RawDialog;

  test('goes to its next hop, rings, and is answered', () => {
    const { finish, leave, options, progress, told } = sent();
    expect(options).toEqual({ headers: {}, localSdp: 'offer', proxy: 'sip:192.0.2.2' });
    leave();
    progress()?.cbProvisional({ status: 180, headers: {} });
    progress()?.cbProvisional({ status: 183, headers: {}, body: 'early' });
    finish(null, dialog);
    finish(new Error('late'));
    expect(told).toEqual(['sent c', '180', '183 early', 'answered sip:b@192.0.2.9 answer']);
  });

  test('a CANCEL that is asked for before the INVITE has left waits for it', () => {
    const { cancels, invite, leave, told } = sent();
    invite.cancel({ Reason: 'x' });
    expect(cancels).toEqual([]);
    leave();
    expect([cancels, told]).toEqual([[{ Reason: 'x' }], ['sent c', 'cancel taken']]);
  });

  test('an UPDATE before the answer is ours, whatever the library made of it', async () => {
    const { leave, request, told } = sent();
    request.on('update', () => void told.push('the library answers'));
    leave();
    await Promise.resolve();
    request.emit('update', message({ method: 'UPDATE', body: 'offer' }), replies().reply);
    expect(told).toEqual(['sent c', 'update offer']);
  });

  test('what the library refuses by throwing has failed, once', () => {
    const { faults, finish, told } = sent(boom);
    finish(new Error('late'));
    expect([told, faults]).toEqual([['failed null boom'], ['boom']]);
  });

  test('one that did not leave is told of by its failure alone', () => {
    const { faults, finish, progress, told } = sent();
    progress()?.cbRequest(new Error('no'));
    finish(Object.assign(new Error('no'), { status: 503, res: { reason: 'No Route', headers: {} } }));
    expect([told, faults]).toEqual([['failed 503 No Route'], []]);
  });
});

describe('requests that make no dialog', () => {
  function requests(fault?: Error | null) {
    const { faults, guard, link } = guarded();
    const opened = message({ uri: 'sip:192.0.2.1' });
    const asked: object[] = [];
    const agent = {
      request(options: object, callback: (error: unknown, request?: RawRequest) => void) {
        asked.push(options);
        if (fault instanceof Error) throw fault;
        if (fault === null) callback('no socket');
        else callback(null, opened);
      },
    } as unknown as RawAgent;
    const all = new LinkRequests(agent, guard, (request, reply) => new Exchange(link, request, reply));
    const acks: string[] = [];
    const respond = (response: object) => opened.emit('response', { headers: {}, ...response }, () => acks.push('ack'));
    return { acks, all, asked, faults, opened, respond };
  }
  const dialog = { id: 'd', socket: 'socket' } as unknown as RawDialog;

  test.each(['INVITE', 'BYE'])('inside: %s', (method) => {
    const { acks, all, asked, opened, respond } = requests();
    const answers: unknown[] = [];
    const crossed: string[] = [];
    all.inside(dialog, { method, body: 'sdp', crossed: ({ body }) => void crossed.push(body) }, (answer) =>
      answers.push(answer),
    );
    expect(asked).toEqual([{ method, headers: {}, body: 'sdp', stackDialogId: 'd', _socket: 'socket' }]);
    respond({ status: 100 });
    opened.emit('update', message({ method: 'UPDATE', body: 'theirs' }), replies().reply);
    respond({ status: 200, body: 'answer', source_address: '192.0.2.1' });
    respond({ status: 200, body: 'again', source_address: '192.0.2.1' });
    expect(answers).toEqual([{ status: 200, uri: 'sip:192.0.2.1', headers: {}, body: 'answer', own: false }]);
    expect(crossed).toEqual(['theirs']);
    // Each 2xx to an INVITE wants an ACK, a repeated one too.
    expect(acks).toHaveLength(method === 'INVITE' ? 2 : 0);
  });

  test('inside: the engine’s own answer is told apart from the other side’s', () => {
    const { all, respond } = requests();
    const answers: unknown[] = [];
    all.inside(dialog, { method: 'OPTIONS', crossed: boom }, (answer) => answers.push(answer));
    respond({ status: 503 });
    expect(answers).toMatchObject([{ status: 503, own: true }]);
  });

  test('outside: the engine’s own answer is told apart from the peer’s', () => {
    const answers: unknown[] = [];
    const ask = (nextHop: string | null, source: object) => {
      const { all, asked, respond } = requests();
      all.outside({ method: 'OPTIONS', uri: 'sip:a', nextHop, headers: {} }, (answer) => answers.push(answer));
      respond({ status: 100, reason: 'Trying' });
      respond({ status: 408, reason: 'Timeout', ...source });
      respond({ status: 200, reason: 'OK', ...source });
      return asked;
    };
    expect(ask(null, {})).toEqual([{ method: 'OPTIONS', uri: 'sip:a', headers: {} }]);
    expect(ask('sip:b', { source_address: '192.0.2.1' })).toEqual([
      { method: 'OPTIONS', uri: 'sip:a', headers: {}, proxy: 'sip:b' },
    ]);
    expect(answers).toEqual([
      { status: 408, reason: 'Timeout', headers: {}, own: true },
      { status: 408, reason: 'Timeout', headers: {}, own: false },
    ]);
  });

  test.each<[string, Error | null, string]>([
    ['the library has no socket', null, 'no socket'],
    ['the library throws', new Error('boom'), 'boom'],
  ])('no answer can come: %s', (_what, fault, why) => {
    const { all, faults } = requests(fault);
    const answers: unknown[] = [];
    all.inside(dialog, { method: 'BYE', crossed: boom }, (answer) => answers.push(answer));
    all.outside({ method: 'OPTIONS', uri: 'sip:a', nextHop: null, headers: {} }, (answer) => answers.push(answer));
    expect(answers).toEqual([null, why]);
    expect(faults).toEqual(fault === null ? [] : ['boom', 'boom']);
  });
});

describe('what comes from the engine', () => {
  function wire(receive: (chunk: unknown) => void) {
    const { faults, guard } = guarded();
    const emitter = new EventEmitter();
    const delivered: string[] = [];
    const counted: string[] = [];
    emitter.on('msg', (_socket, text: string) => {
      if (text.includes('poison')) boom();
      delivered.push(text);
    });
    guardWire(emitter as unknown as RawWire, guard, {
      request: (method) => void counted.push(method),
      response: () => boom(),
    });
    const destroyed: string[] = [];
    const socket = Object.assign(new EventEmitter(), { destroy: () => void destroyed.push('destroyed') });
    socket.on('data', receive);
    emitter.emit('connect', socket as unknown as Socket);
    return { counted, delivered, destroyed, faults, say: (text: string) => emitter.emit('msg', socket, text), socket };
  }
  const OPTIONS = 'OPTIONS sip:a SIP/2.0\r\nCSeq: 1 OPTIONS\r\n\r\n';
  const frame = (text: string) => `1|sip|network|40|udp|192.0.2.1|5060|0\r\n${text}`;

  test('is counted and delivered; what is no SIP is neither delivered nor printed', () => {
    const { counted, delivered, faults, say } = wire(() => undefined);
    say(frame(OPTIONS));
    say(frame('nonsense'));
    expect([delivered, counted]).toEqual([[frame(OPTIONS)], ['OPTIONS', 'other']]);
    expect(faults).toEqual(['the SIP engine sent a message that is no SIP']);
  });

  test('a counter or a handler that throws loses that message alone', () => {
    const { delivered, faults, say } = wire(() => undefined);
    const response = frame('SIP/2.0 200 OK\r\nCSeq: 1 OPTIONS\r\n\r\n');
    say(response);
    say(frame(OPTIONS.replace('sip:a', 'sip:poison')));
    say(frame(OPTIONS));
    expect([delivered, faults]).toEqual([
      [response, frame(OPTIONS)],
      ['boom', 'boom'],
    ]);
  });

  test('frames that are out of step cost the connection', () => {
    const chunks: unknown[] = [];
    const { destroyed, faults, socket } = wire((chunk) => {
      chunks.push(chunk);
      if (chunk === 'bad') boom();
    });
    socket.emit('data', 'good');
    expect(destroyed).toEqual([]);
    socket.emit('data', 'bad');
    expect([chunks, destroyed, faults]).toEqual([['good', 'bad'], ['destroyed'], ['boom']]);
  });
});
