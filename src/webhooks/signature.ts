// Standard Webhooks 1.0.0, symmetric: HMAC-SHA256 over `id.timestamp.body`, a secret `whsec_<base64>`, signatures `v1,<base64>`
// separated by blanks while a former secret signs too.
//
// The ids of events hold a full stop. No other split of the signed text can be mistaken for a message: ids are ours alone, and the
// timestamp, which receivers read as an integer, is too.

import { createHmac } from 'node:crypto';
import type { RandomBytes } from '../domain/ids.ts';

const PREFIX = 'whsec_';
/** The specification asks for 24 to 64. */
const SECRET_BYTES = 32;

export function newSecret(randomBytes: RandomBytes): string {
  return PREFIX + Buffer.from(randomBytes(SECRET_BYTES)).toString('base64');
}

/** `atMs` is the wall clock of the attempt, not of the event. */
export function signedHeaders(
  message: { readonly id: string; readonly body: string },
  atMs: number,
  secrets: readonly string[],
): Record<'webhook-id' | 'webhook-timestamp' | 'webhook-signature', string> {
  const timestamp = String(Math.floor(atMs / 1000));
  const signatures = secrets.map((secret) => `v1,${sign(secret, `${message.id}.${timestamp}.${message.body}`)}`);
  return { 'webhook-id': message.id, 'webhook-timestamp': timestamp, 'webhook-signature': signatures.join(' ') };
}

function sign(secret: string, content: string): string {
  return createHmac('sha256', Buffer.from(secret.slice(PREFIX.length), 'base64'))
    .update(content)
    .digest('base64');
}
