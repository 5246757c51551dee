import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { request as httpRequest } from 'node:http';
import { createLogger } from '../../src/observability/logger.ts';
import { BooksFile, booksMigrations, createBooks } from '../../src/ledger/sqlite-books.ts';
import { LIMITS } from '../../src/numbers/requests/limits.ts';
import { GroupCommit } from '../../src/storage/group-commit.ts';
import { openDatabase } from '../../src/storage/sqlite.ts';
import { trunk } from '../directory/records.ts';
import { jpeg, pdf, png, REQUIREMENTS } from '../numbers/requests/stage.ts';
import { ADMIN_TOKEN, type Answer, startWorld, type World } from './world.ts';

// From the first look at what Spain asks for to the number in the list, over HTTP, with the ledger that production uses.

let world: World;
const lines: string[] = [];
const database = openDatabase(':memory:', booksMigrations);
beforeAll(async () => {
  const schedule = (flush: () => void) => void setImmediate(flush);
  const commit = new GroupCommit({ database, schedule, nowMs: () => performance.now() });
  const destination = { write: (line: string) => void lines.push(line) };
  world = await startWorld({
    books: createBooks(new BooksFile(database), commit),
    logger: createLogger({ level: 'debug', destination }),
  });
  await world.directory.trunks.put(trunk({ id: 'trunk_managed', workspaceId: null, kind: 'managed' }));
});
afterAll(async () => {
  await world.close();
  database.close();
});

interface Part {
  readonly name: string;
  readonly value: string | Buffer;
  readonly fileName?: string;
  readonly type?: string;
}

const BOUNDARY = '----WebKitFormBoundary7MA4YWxkTrZu0gW';

function form(parts: readonly Part[], boundary = BOUNDARY): Buffer {
  const pieces = parts.flatMap(({ name, value, fileName, type }) => [
    Buffer.from(
      `--${boundary}\r\nContent-Disposition: form-data; name="${name}"${fileName === undefined ? '' : `; filename="${fileName}"`}\r\n` +
        `${type === undefined ? '' : `Content-Type: ${type}\r\n`}\r\n`,
    ),
    Buffer.isBuffer(value) ? value : Buffer.from(value),
    Buffer.from('\r\n'),
  ]);
  return Buffer.concat([...pieces, Buffer.from(`--${boundary}--\r\n`)]);
}

const kindPart = (value: string): Part => ({ name: 'kind', value });
const filePart = (value: Buffer, fileName = 'recibo.pdf', type = 'application/pdf'): Part => ({
  name: 'file',
  value,
  fileName,
  type,
});

async function send(
  path: string,
  body: Buffer,
  { token = ADMIN_TOKEN, type = `multipart/form-data; boundary=${BOUNDARY}` } = {},
) {
  const response = await fetch(world.url + path, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': type },
    body: new Uint8Array(body),
  });
  const text = await response.text();
  return { status: response.status, text, body: text === '' ? undefined : JSON.parse(text) };
}

type Owner = Awaited<ReturnType<World['workspace']>>;
const ask = (owner: Owner, method: string, path: string, body?: object, headers = {}): Promise<Answer> =>
  world.ask(method, path, { token: owner.token, headers, ...(body === undefined ? {} : { body }) });
const upload = (owner: Owner, id: string, ...parts: readonly Part[]) =>
  send(`/v1/number-requests/${id}/documents`, form(parts), { token: owner.token });
const pay = (owner: Owner, id: string, key = `k-${id}`) =>
  ask(owner, 'POST', `/v1/number-requests/${id}/pay`, undefined, { 'idempotency-key': key });
const topUp = (owner: Owner, amount: string, key = 'first') =>
  world.ask('POST', `/v1/workspaces/${owner.id}/topups`, {
    body: { amount },
    headers: { 'idempotency-key': `${owner.id}${key}` },
  });
const balanceOf = async (owner: Owner): Promise<string> =>
  (await ask(owner, 'GET', `/v1/workspaces/${owner.id}`)).body.balance;

async function begin(owner: Owner, over: object = {}): Promise<string> {
  const body = { country: 'ES', type: 'local', requestType: 'new', ...over };
  return (await ask(owner, 'POST', '/v1/number-requests', body)).body.id;
}

async function fill(owner: Owner, id: string, over: Readonly<Record<string, string>> = {}): Promise<void> {
  for (const rule of REQUIREMENTS.get('ES', 'local', 'new')?.fields ?? []) {
    const value = over[rule.name] ?? (rule.name === 'holder' ? 'person' : rule.example);
    const { status } = await ask(owner, 'PUT', `/v1/number-requests/${id}/fields/${rule.name}`, { value });
    expect([rule.name, status]).toEqual([rule.name, 200]);
  }
}

describe('Spain, from the first look to the number', () => {
  let owner: Owner;
  let id = '';
  let documentId = '';
  const invoice = pdf('RECIBO-DE-LA-LUZ-4711', 300_000);

  test('what it asks for is told, with words for people', async () => {
    owner = await world.workspace('Clínica');
    const { body } = await ask(owner, 'GET', '/v1/number-requirements?country=ES&type=local');
    expect(body.items.map((item: { requestType: string }) => item.requestType)).toEqual(['new', 'porting']);
    const [first] = body.items;
    expect(first).toMatchObject({
      countryName: 'Spain',
      fees: { activation: '10.00', monthly: '3.00', currency: 'USD' },
    });
    expect(first.fields.find((field: { name: string }) => field.name === 'nationalId')).toMatchObject({
      label: 'DNI or NIE',
      example: '12345678Z',
      when: { field: 'holder', is: ['person'] },
    });
    expect(first.areas.areas).toContainEqual({ code: '91', name: 'Madrid', postalPrefixes: ['28'] });
    expect((await ask(owner, 'GET', '/v1/number-requirements')).body.items).toHaveLength(REQUIREMENTS.all.length);
  });

  test('a request is begun and has an id to read over the telephone', async () => {
    const { status, body, headers } = await ask(owner, 'POST', '/v1/number-requests', {
      country: 'ES',
      type: 'local',
      requestType: 'new',
    });
    id = body.id;
    expect([status, headers.get('location')]).toEqual([201, `/v1/number-requests/${id}`]);
    expect(id).toMatch(/^NR-[2-9A-Z]{4}-[2-9A-Z]{4}$/);
    expect(body).toMatchObject({ status: 'draft', quantity: 1, fees: { total: '13.00', status: 'unpaid' } });
    expect(body.fields.holder).toEqual({
      status: 'pending',
      required: true,
      value: null,
      savedAt: null,
      problem: null,
    });
    expect((await ask(owner, 'GET', `/v1/number-requests/${id.toLowerCase()}`)).body.id).toBe(id);
  });

  test('fields are saved one by one; the address must be in the area of the number', async () => {
    await fill(owner, id, { postalCode: '08001', nationalId: '12.345.678-z' });
    const { body } = await ask(owner, 'GET', `/v1/number-requests/${id}`);
    expect(body.fields.nationalId).toMatchObject({ status: 'saved', value: '12345678Z' });
    expect(body.fields.postalCode).toMatchObject({
      status: 'invalid',
      problem: expect.stringContaining('area of 91 (Madrid)'),
    });
    const refused = await ask(owner, 'POST', `/v1/number-requests/${id}/submit`);
    expect([refused.status, refused.body.code]).toEqual([422, 'request_incomplete']);
    expect(refused.body.errors).toEqual([
      { field: 'fields.postalCode', message: expect.stringContaining('begin with 28') },
    ]);
    const wrong = await ask(owner, 'PUT', `/v1/number-requests/${id}/fields/nationalId`, { value: '12345678A' });
    expect([wrong.status, wrong.body.errors[0].field]).toEqual([422, 'value']);
    expect(wrong.text).not.toContain('12345678A');
    await ask(owner, 'PUT', `/v1/number-requests/${id}/fields/postalCode`, { value: '28013' });
  });

  test('handed in it waits for its documents, and with the last one for its payment', async () => {
    expect((await ask(owner, 'POST', `/v1/number-requests/${id}/submit`)).body.status).toBe('awaiting_documents');
    const first = await upload(owner, id, kindPart('proof_of_address'), filePart(invoice));
    expect([first.status, first.body.missing.documents]).toEqual([201, ['identity']]);
    documentId = first.body.documents[0].id;
    expect(first.body.documents[0]).toMatchObject({
      kind: 'proof_of_address',
      mediaType: 'application/pdf',
      bytes: invoice.length,
    });
    // The order of the parts is the browser's.
    const second = await upload(owner, id, filePart(png(), 'dni.png', 'image/png'), kindPart('identity'));
    expect(second.body.status).toBe('awaiting_payment');
  });

  test('it is paid once the money is there, once, whatever keys come', async () => {
    const poor = await pay(owner, id);
    expect([poor.status, poor.body.code]).toEqual([402, 'balance_too_low']);
    expect([await balanceOf(owner), (await ask(owner, 'GET', `/v1/number-requests/${id}`)).body.status]).toEqual([
      '0.00',
      'awaiting_payment',
    ]);
    await topUp(owner, '20.00');
    const answers = await Promise.all(['a', 'a', 'b', 'c', 'd'].map((key) => pay(owner, id, key)));
    expect(answers.map((answer) => answer.status)).toEqual([200, 200, 200, 200, 200]);
    expect(answers.filter((answer) => answer.headers.get('idempotent-replayed') === null)).toHaveLength(1);
    expect(await balanceOf(owner)).toBe('7.00');
    const { body } = await ask(owner, 'GET', `/v1/ledger?workspaceId=${owner.id}&meter=fee`);
    expect(body.items).toMatchObject([
      { amount: '-13.00', meter: 'fee', note: `Number request ${id}: activation 10.00, first month 3.00` },
    ]);
    const other = await begin(owner);
    expect((await pay(owner, other, 'a')).body.code).toBe('idempotency_key_reused');
  });

  test('a key that may only look sees how far it is, and neither what was typed nor the document', async () => {
    const { body: key } = await world.ask('POST', `/v1/workspaces/${owner.id}/keys`, {
      body: { label: 'dashboard', role: 'read_only' },
    });
    const look = (path = '') => world.ask('GET', `/v1/number-requests${path}`, { token: key.token });
    const one = await look(`/${id}`);
    expect(one.body).toMatchObject({ id, fields: { city: { status: 'saved', value: null } } });
    const typed = (await ask(owner, 'GET', `/v1/number-requests/${id}`)).body.fields.street.value;
    expect(typed).toBeTruthy();
    expect(one.text + (await look()).text).not.toContain(typed);
    const refused = await look(`/${id}/documents/${documentId}`);
    expect([refused.status, refused.body.code]).toEqual([403, 'missing_scope']);
  });

  test('the operator sees the document as it was sent, as an attachment', async () => {
    const response = await fetch(`${world.url}/v1/number-requests/${id}/documents/${documentId}`, {
      headers: { authorization: `Bearer ${ADMIN_TOKEN}` },
    });
    expect(Buffer.from(await response.arrayBuffer()).equals(invoice)).toBe(true);
    expect(response.headers.get('content-type')).toBe('application/pdf');
    expect(response.headers.get('content-disposition')).toBe(`attachment; filename="${id}-proof_of_address.pdf"`);
    expect(response.headers.get('x-content-type-options')).toBe('nosniff');
    expect(response.headers.get('content-security-policy')).toContain("default-src 'none'");
    expect(response.headers.get('cache-control')).toBe('no-store');
  });

  test('in review nothing can be changed any more', async () => {
    for (const answer of [
      await ask(owner, 'PUT', `/v1/number-requests/${id}/fields/city`, { value: 'Getafe' }),
      await ask(owner, 'DELETE', `/v1/number-requests/${id}/documents/${documentId}`),
      await upload(owner, id, kindPart('identity'), filePart(jpeg())),
    ])
      expect([answer.status, answer.body.code]).toEqual([409, 'request_state']);
  });

  test('rejected with a reason it is corrected and comes back without another payment', async () => {
    const reason = 'The bill is older than three months.\nPlease send a newer one.';
    const rejected = await world.ask('POST', `/v1/number-requests/${id}/reject`, { body: { reason } });
    expect(rejected.body).toMatchObject({ status: 'rejected', reason });
    expect((await ask(owner, 'GET', `/v1/number-requests/${id}`)).body.reason).toBe(reason);
    expect((await ask(owner, 'DELETE', `/v1/number-requests/${id}/documents/${documentId}`)).status).toBe(204);
    await upload(owner, id, kindPart('proof_of_address'), filePart(jpeg(), 'foto.jpg', 'image/jpeg'));
    const { body } = await ask(owner, 'POST', `/v1/number-requests/${id}/submit`);
    expect([body.status, body.fees.status, await balanceOf(owner)]).toEqual(['in_review', 'paid', '7.00']);
  });

  test('approved, the number is in the list of the workspace and can be assigned', async () => {
    const path = `/v1/number-requests/${id}/approve`;
    const bad = await world.ask('POST', path, { body: { numbers: ['+33123456789'] } });
    expect([bad.status, bad.body.errors]).toEqual([422, [{ field: 'numbers.0', message: 'must be a number of ES' }]]);
    const approved = await world.ask('POST', path, { body: { numbers: ['+34910000123'] } });
    expect(approved.body).toMatchObject({
      status: 'approved',
      approvedNumbers: [{ e164: '+34910000123' }],
      reason: null,
    });
    expect((await world.ask('POST', path, { body: { numbers: ['+34910000123'] } })).status).toBe(200);
    const other = await world.ask('POST', path, { body: { numbers: ['+34910000124'] } });
    expect([other.status, other.body.code]).toEqual([409, 'approval_conflict']);
    const { body } = await ask(owner, 'GET', '/v1/numbers?country=ES');
    expect(body.items).toMatchObject([
      {
        e164: '+34910000123',
        provider: 'managed',
        status: 'active',
        agentId: null,
        warnings: ['not_assigned_to_agent'],
      },
    ]);
    expect(body.items[0].id).toBe(approved.body.approvedNumbers[0].id);
    expect(approved.body.history.map((entry: { status: string; by: string }) => `${entry.status} ${entry.by}`)).toEqual(
      [
        'draft customer',
        'awaiting_documents customer',
        'awaiting_payment customer',
        'in_review customer',
        'rejected operator',
        'in_review customer',
        'approved operator',
      ],
    );
  });

  test('nothing that was typed or uploaded stands in a log', () => {
    const log = lines.join('');
    expect(log).toContain('/v1/number-requests/:id/documents');
    for (const text of ['12345678Z', 'Gran V', 'RECIBO', 'recibo.pdf', 'María', 'JVBERi', '08001'])
      expect(log.includes(text), text).toBe(false);
  });
});

describe('uploads', () => {
  let owner: Owner;
  let id = '';
  beforeAll(async () => {
    owner = await world.workspace('Uploads');
    id = await begin(owner);
  });
  const documents = async () => (await ask(owner, 'GET', `/v1/number-requests/${id}`)).body.documents;

  const refusals: readonly (readonly [string, readonly Part[], number, string])[] = [
    [
      'HTML that calls itself a PDF',
      [kindPart('proof_of_address'), filePart(Buffer.from('<html>'))],
      422,
      'document_refused',
    ],
    [
      'a PDF that is cut off',
      [kindPart('proof_of_address'), filePart(pdf().subarray(0, 300))],
      422,
      'document_refused',
    ],
    [
      'an SVG',
      [kindPart('proof_of_address'), filePart(Buffer.from('<svg onload="x"/>'), 'a.png', 'image/png')],
      422,
      'document_refused',
    ],
    ['an empty file', [kindPart('proof_of_address'), filePart(Buffer.alloc(0))], 422, 'document_refused'],
    ['no file', [kindPart('proof_of_address')], 422, 'invalid_fields'],
    ['no kind', [filePart(pdf())], 422, 'invalid_fields'],
    ['a kind that is not asked for', [kindPart('horoscope'), filePart(pdf())], 422, 'invalid_fields'],
    ['a kind that is a path', [kindPart('../../etc/passwd'), filePart(pdf())], 422, 'invalid_fields'],
    [
      'a field that there is not',
      [kindPart('proof_of_address'), { name: 'admin', value: '1' }, filePart(pdf())],
      400,
      'malformed_form',
    ],
    ['the kind twice', [kindPart('proof_of_address'), kindPart('identity'), filePart(pdf())], 400, 'malformed_form'],
    ['two files', [kindPart('proof_of_address'), filePart(pdf()), filePart(pdf())], 400, 'malformed_form'],
    ['a kind that does not end', [kindPart('x'.repeat(5_000)), filePart(pdf())], 422, 'invalid_fields'],
    [
      'very many parts',
      Array.from({ length: 500 }, (_, index): Part => ({ name: `f${index}`, value: 'x' })),
      400,
      'malformed_form',
    ],
    [
      'a file larger than 5 MB',
      [kindPart('proof_of_address'), filePart(pdf('', LIMITS.documentBytesMax))],
      413,
      'body_too_large',
    ],
  ];
  test.each(refusals)('%s is refused and nothing is kept', async (_name, parts, status, code) => {
    const answer = await upload(owner, id, ...parts);
    expect([answer.status, answer.body.code]).toEqual([status, code]);
    expect(await documents()).toEqual([]);
  });

  test('another type of body, and a form without a boundary, are refused', async () => {
    const path = `/v1/number-requests/${id}/documents`;
    const json = await ask(owner, 'POST', path, { kind: 'proof_of_address' });
    expect([json.status, json.body.code]).toEqual([415, 'unsupported_media_type']);
    const raw = await send(path, pdf(), { token: owner.token, type: 'application/pdf' });
    expect([raw.status, raw.body.code]).toEqual([415, 'unsupported_media_type']);
    const bare = await send(path, form([kindPart('identity'), filePart(pdf())]), {
      token: owner.token,
      type: 'multipart/form-data',
    });
    expect([bare.status, bare.body.code]).toEqual([400, 'malformed_form']);
    const cut = form([kindPart('identity'), filePart(pdf())]).subarray(0, 400);
    expect((await send(path, cut, { token: owner.token })).body.code).toBe('malformed_form');
    const elsewhere = await send('/v1/number-requests', form([kindPart('identity')]), { token: owner.token });
    expect([elsewhere.status, elsewhere.body.code]).toEqual([415, 'unsupported_media_type']);
  });

  test('a header that does not end, and one with a thousand lines, do no harm', async () => {
    const path = `/v1/number-requests/${id}/documents`;
    const headers = Array.from({ length: 1_000 }, (_, index) => `X-${index}: y\r\n`).join('');
    for (const more of [`X: ${'y'.repeat(200_000)}\r\n`, headers]) {
      const body = Buffer.from(
        `--${BOUNDARY}\r\nContent-Disposition: form-data; name="kind"\r\n${more}\r\nproof_of_address\r\n--${BOUNDARY}--\r\n`,
      );
      const answer = await send(path, body, { token: owner.token });
      expect([400, 422]).toContain(answer.status);
    }
    expect(await documents()).toEqual([]);
  });

  test('what a file is called comes out nowhere', async () => {
    const evil = '../../../etc/passwd\\"; filename=\\"x.html';
    const { body, text } = await upload(owner, id, kindPart('proof_of_address'), filePart(png(), evil, 'text/html'));
    expect(text).not.toContain('passwd');
    const [{ id: documentId }] = body.documents;
    const response = await world.ask('GET', `/v1/number-requests/${id}/documents/${documentId}`, {
      token: owner.token,
    });
    expect(response.headers.get('content-type')).toBe('image/png');
    expect(response.headers.get('content-disposition')).toBe(`attachment; filename="${id}-proof_of_address.png"`);
    await ask(owner, 'DELETE', `/v1/number-requests/${id}/documents/${documentId}`);
  });

  test('a client that goes away in the middle leaves nothing', async () => {
    const body = form([kindPart('proof_of_address'), filePart(pdf('', 400_000))]);
    await new Promise<void>((resolve) => {
      const request = httpRequest(`${world.url}/v1/number-requests/${id}/documents`, {
        method: 'POST',
        headers: {
          authorization: `Bearer ${owner.token}`,
          'content-type': `multipart/form-data; boundary=${BOUNDARY}`,
          'content-length': body.length,
        },
      });
      request.on('error', () => resolve());
      request.write(body.subarray(0, 200_000), () => request.destroy(new Error('gone')));
    });
    expect(await documents()).toEqual([]);
  });

  test('a body that says it is too large is not read at all', async () => {
    const status = await new Promise<number>((resolve, reject) => {
      const request = httpRequest(
        `${world.url}/v1/number-requests/${id}/documents`,
        {
          method: 'POST',
          headers: {
            authorization: `Bearer ${owner.token}`,
            'content-type': `multipart/form-data; boundary=${BOUNDARY}`,
            'content-length': 2_000_000_000,
          },
        },
        (response) => {
          resolve(response.statusCode ?? 0);
          request.destroy();
        },
      );
      request.on('error', reject);
      request.write('x');
    });
    expect(status).toBe(413);
  });

  test('a body that does not say how large it is, and does not end, is given up', async () => {
    const status = await new Promise<number>((resolve, reject) => {
      const headers = {
        authorization: `Bearer ${owner.token}`,
        'content-type': `multipart/form-data; boundary=${BOUNDARY}`,
      };
      let answered = false;
      const request = httpRequest(
        `${world.url}/v1/number-requests/${id}/documents`,
        { method: 'POST', headers },
        (response) => {
          answered = true;
          resolve(response.statusCode ?? 0);
          request.destroy();
        },
      );
      request.on('error', (error) => (answered ? undefined : reject(error)));
      // What stands before the first part is no part: no limit of parts sees it.
      const piece = Buffer.alloc(256 * 1024, 'x');
      let sent = 0;
      const more = (): void => {
        sent += piece.length;
        if (answered) return;
        if (sent > 50_000_000) return reject(new Error('50 MB were taken'));
        request.write(piece, () => setImmediate(more));
      };
      more();
    });
    expect(status).toBe(413);
  });

  test('a slow one is given up, and so many at once are told to come back', async () => {
    const slow = await startWorld({ limits: { anonymousBurst: 1_000, requestsBurst: 1_000, uploadsMax: 1 } });
    const other = await slow.workspace('Slow');
    const { body: made } = await slow.ask('POST', '/v1/number-requests', {
      token: other.token,
      body: { country: 'ES', type: 'local', requestType: 'new' },
    });
    const path = `/v1/number-requests/${made.id}/documents`;
    const headers = {
      authorization: `Bearer ${other.token}`,
      'content-type': `multipart/form-data; boundary=${BOUNDARY}`,
    };
    const answered = new Promise<number>((resolve, reject) => {
      const request = httpRequest(slow.url + path, { method: 'POST', headers }, (response) => {
        resolve(response.statusCode ?? 0);
        request.destroy();
      });
      request.on('error', reject);
      request.write(form([kindPart('proof_of_address')]).subarray(0, 60));
    });
    const content = form([kindPart('proof_of_address'), filePart(pdf())]);
    let busy = 0;
    for (let attempt = 0; attempt < 200 && busy !== 503; attempt += 1)
      busy = (await fetch(slow.url + path, { method: 'POST', headers, body: new Uint8Array(content) })).status;
    expect(busy).toBe(503);
    slow.clock.advance(59_000);
    expect((await fetch(slow.url + path, { method: 'POST', headers, body: new Uint8Array(content) })).status).toBe(503);
    slow.clock.advance(1_000);
    expect(await answered).toBe(408);
    const after = await fetch(slow.url + path, { method: 'POST', headers, body: new Uint8Array(content) });
    expect(after.status).toBe(201);
    await slow.close();
  });
});

describe('another workspace', () => {
  test('cannot see, add, remove or download, even with the ids', async () => {
    const owner = await world.workspace('Owner');
    const stranger = await world.workspace('Stranger');
    const id = await begin(owner);
    const { body } = await upload(owner, id, kindPart('proof_of_address'), filePart(pdf()));
    const documentId = body.documents[0].id;
    const before = (await ask(owner, 'GET', `/v1/number-requests/${id}`)).text;
    const answers = [
      await ask(stranger, 'GET', `/v1/number-requests/${id}`),
      await ask(stranger, 'PUT', `/v1/number-requests/${id}/fields/city`, { value: 'Getafe' }),
      await ask(stranger, 'GET', `/v1/number-requests/${id}/documents/${documentId}`),
      await ask(stranger, 'DELETE', `/v1/number-requests/${id}/documents/${documentId}`),
      await ask(stranger, 'POST', `/v1/number-requests/${id}/submit`),
      await ask(stranger, 'POST', `/v1/number-requests/${id}/cancel`),
      await pay(stranger, id),
      await upload(stranger, id, kindPart('proof_of_address'), filePart(pdf())),
      // Its own request does not open another one's document.
      await ask(stranger, 'GET', `/v1/number-requests/${await begin(stranger)}/documents/${documentId}`),
    ];
    for (const answer of answers) expect([answer.status, answer.body.code]).toEqual([404, 'not_found']);
    expect((await ask(owner, 'GET', `/v1/number-requests/${id}`)).text).toBe(before);
    expect((await ask(stranger, 'GET', '/v1/number-requests')).text).not.toContain(id);
  });
});

test('a PIN of the present carrier is shown to the operator alone', async () => {
  const owner = await world.workspace('Porting');
  const id = await begin(owner, { country: 'GB', type: 'mobile', requestType: 'porting', numbers: ['+447400123456'] });
  const { body } = await ask(owner, 'PUT', `/v1/number-requests/${id}/fields/portingCode`, { value: 'abc 123456' });
  expect(body.fields.portingCode).toMatchObject({ status: 'saved', value: null });
  expect((await ask(owner, 'GET', '/v1/number-requests')).text).not.toContain('ABC123456');
  expect((await world.ask('GET', `/v1/number-requests/${id}`)).body.fields.portingCode.value).toBe('ABC123456');
});

test('a cancelled request gives the money back and forgets its documents', async () => {
  const owner = await world.workspace('Cancel');
  const id = await begin(owner);
  await fill(owner, id);
  for (const kind of ['proof_of_address', 'identity']) await upload(owner, id, kindPart(kind), filePart(pdf()));
  await ask(owner, 'POST', `/v1/number-requests/${id}/submit`);
  await topUp(owner, '13');
  expect((await pay(owner, id)).body.status).toBe('in_review');
  const { body } = await ask(owner, 'POST', `/v1/number-requests/${id}/cancel`);
  expect(body).toMatchObject({ status: 'cancelled', documents: [], fees: { status: 'refunded' } });
  expect([body.fields, body.missing]).toEqual([{}, { fields: [], documents: [] }]);
  expect(await balanceOf(owner)).toBe('13.00');
});

test('numbers of the US and of Canada need no request, and the answer says where they are bought', async () => {
  const owner = await world.workspace('US');
  const { status, body } = await ask(owner, 'POST', '/v1/number-requests', {
    country: 'US',
    type: 'local',
    requestType: 'new',
  });
  expect(status).toBe(422);
  expect(body.errors).toEqual([{ field: 'country', message: expect.stringContaining('POST /v1/number-orders') }]);
});
