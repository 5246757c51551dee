// Secrets at rest: AES-256-GCM (NIST SP 800-38D), one random 96-bit nonce per sealing.
//
//   v1.<key id>.<base64url( nonce 12 | ciphertext | tag 16 )>
//
// Invariants
//   SE1. The additional data is `workspace|record|field`: a sealed text that is copied to another place does not open there.
//   SE2. The key id says which key opens it, so that keys can be rotated: the first key seals, all of them open.

import { createCipheriv, createDecipheriv, createHash } from 'node:crypto';
import type { RandomBytes } from '../domain/ids.ts';
import { UnsealFailed } from './errors.ts';

export interface SealedPlace {
  /** null = a record of the operator. */
  readonly workspaceId: string | null;
  readonly record: string;
  readonly field: string;
}

export interface Sealer {
  seal(secret: string, place: SealedPlace): string;
  /** Throws `UnsealFailed`. */
  unseal(sealed: string, place: SealedPlace): string;
}

export interface SealerOptions {
  /** 32 bytes each; the first one seals. */
  readonly keys: readonly Uint8Array[];
  readonly randomBytes: RandomBytes;
}

const KEY_BYTES = 32;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const CIPHER = 'aes-256-gcm';
const SEALED = /^v1\.([0-9a-f]{8})\.([\w-]+)$/;

export function createSealer({ keys, randomBytes }: SealerOptions): Sealer {
  const [current] = keys;
  if (current === undefined || keys.some((key) => key.length !== KEY_BYTES)) {
    throw new TypeError(`sealing keys must be ${KEY_BYTES} bytes each, and there must be one`);
  }
  const byId = new Map(keys.map((key) => [keyId(key), key]));

  return {
    seal(secret, place) {
      const nonce = randomBytes(NONCE_BYTES);
      const cipher = createCipheriv(CIPHER, current, nonce, { authTagLength: TAG_BYTES });
      cipher.setAAD(additionalData(place));
      const bytes = Buffer.concat([nonce, cipher.update(secret, 'utf8'), cipher.final(), cipher.getAuthTag()]);
      return `v1.${keyId(current)}.${bytes.toString('base64url')}`;
    },
    unseal(sealed, place) {
      const [, id = '', body = ''] = SEALED.exec(sealed) ?? [];
      const key = byId.get(id);
      const bytes = Buffer.from(body, 'base64url');
      if (key === undefined || bytes.length < NONCE_BYTES + TAG_BYTES) {
        throw new UnsealFailed(`no key opens ${place.field} of ${place.record}`);
      }
      const decipher = createDecipheriv(CIPHER, key, bytes.subarray(0, NONCE_BYTES), { authTagLength: TAG_BYTES });
      decipher.setAAD(additionalData(place));
      decipher.setAuthTag(bytes.subarray(-TAG_BYTES));
      try {
        const text = decipher.update(bytes.subarray(NONCE_BYTES, -TAG_BYTES));
        return Buffer.concat([text, decipher.final()]).toString('utf8');
      } catch (cause) {
        throw new UnsealFailed(`${place.field} of ${place.record} was changed or moved`, { cause });
      }
    },
  };
}

/** Each part escaped, so that no part can contain the separator. */
function additionalData({ workspaceId, record, field }: SealedPlace): Buffer {
  return Buffer.from([workspaceId ?? '', record, field].map(encodeURIComponent).join('|'));
}

function keyId(key: Uint8Array): string {
  return createHash('sha256').update('callin sealing key id').update(key).digest('hex').slice(0, 8);
}
