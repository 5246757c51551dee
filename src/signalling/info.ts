// Keys in SIP INFO (RFC 2976 usage, as carriers and PBXs have it), both ways. Everything else that an INFO carries is refused for what it is.
//
//   application/dtmf-relay     Signal=5\r\nDuration=160      keys as characters, or 10 to 15 for *, #, A to D
//   application/dtmf           5                             the same, alone
//
//   body                       answer
//   none                       200: a sign of life (RFC 6086 section 4.2.2)
//   one of the two, a key      200, the key is told
//   one of the two, a flash    200, nothing is told: it is a signal (16), and no key
//   one of the two, else       400
//   another type, encoded      415 with Accept

import { DTMF_KEYS } from '../domain/dtmf.ts';
import { answerInCall, type CallCredentials } from './digest.ts';
import type { Content, Exchange, LinkDialog } from './link-handles.ts';

const RELAY = 'application/dtmf-relay';
const PLAIN = 'application/dtmf';
const INFO_ACCEPT = `${RELAY}, ${PLAIN}`;
const FLASH = 16;
/** A body of this kind has a few dozen characters. */
const BODY_CHARACTERS_MAX = 512;

/** `none`: nothing to tell. A number: the answer that refuses it. */
export type InfoReading = { readonly key: string } | 'none' | 400 | 415;

export function answerInfo(exchange: Exchange, tell: (key: string) => void): void {
  const reading = readInfo(exchange.body, exchange.headers);
  if (reading === 415) return exchange.respond(415, { headers: { Accept: INFO_ACCEPT } });
  if (reading === 400) return exchange.respond(400);
  exchange.respond(200);
  if (reading !== 'none') tell(reading.key);
}

export function readInfo(body: string, headers: Readonly<Record<string, string>>): InfoReading {
  if (body.trim() === '') return 'none';
  const encoding = headers['content-encoding'] ?? headers['e'];
  if (encoding !== undefined && !/^\s*identity\s*$/i.test(encoding)) return 415;
  const type = (headers['content-type'] ?? headers['c'] ?? '').split(';', 1)[0]!.trim().toLowerCase();
  if (type !== RELAY && type !== PLAIN) return 415;
  if (body.length > BODY_CHARACTERS_MAX) return 400;
  return readSignal(type === PLAIN ? body.trim() : (/^signal[ \t]*=[ \t]*(\S+)[ \t]*$/im.exec(body)?.[1] ?? ''));
}

function readSignal(text: string): InfoReading {
  const code = /^1\d$/.test(text) ? Number(text) : (DTMF_KEYS as readonly string[]).indexOf(text.toUpperCase());
  if (code === FLASH) return 'none';
  const key = DTMF_KEYS[code];
  return key === undefined ? 400 : { key };
}

export interface InfoSender {
  readonly dialog: LinkDialog;
  readonly credentials: CallCredentials | null;
  readonly calledUri: string;
  readonly newCnonce: () => string;
}

/** Resolves with the final status; 408 where none came. */
export function sendKeyByInfo(sender: InfoSender, key: string, toneMs: number): Promise<number> {
  const { dialog, credentials, calledUri, newCnonce } = sender;
  const content: Content = {
    headers: { 'Content-Type': RELAY },
    body: `Signal=${key}\r\nDuration=${toneMs}\r\n`,
  };
  return new Promise((resolve) => {
    dialog.request('INFO', content, (answer) => {
      const status = answer?.status ?? 408;
      if (answer === null || credentials === null || (status !== 401 && status !== 407)) return resolve(status);
      const { uri, headers } = answer;
      const challenge = { status, headers, method: 'INFO', uri, calledUri, credentials, cnonce: newCnonce() };
      const digest = answerInCall({ ...challenge, body: content.body ?? '' });
      if (digest === undefined) return resolve(status);
      const again = { ...content, headers: { ...content.headers, [digest.header]: digest.value } };
      dialog.request('INFO', again, (last) => resolve(last?.status ?? 408));
    });
  });
}
