// Headers of an agent's upgrade request: which ones a customer may set, and which values are never shown again.

import { invalidField } from './problems.ts';

/** Stands for a hidden value in an answer; sent back, it means "as it is". */
export const HIDDEN = '***';

const SECRET_NAME = /auth|cookie|token|secret|password|key|credential|signature/i;
/** The upgrade itself is ours (RFC 6455), and so is the message framing. */
const RESERVED_NAME =
  /^(?:host|connection|upgrade|sec-websocket-.*|content-length|transfer-encoding|te|trailer|expect)$/i;

type Headers = Readonly<Record<string, string>>;

export function hideHeaders(headers: Headers): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name, SECRET_NAME.test(name) ? HIDDEN : value]),
  );
}

/** Throws `invalid_fields` for a reserved name, or for a hidden value of a header that was not there. */
export function readHeaders(given: Headers, stored: Headers): Record<string, string> {
  return Object.fromEntries(
    Object.entries(given).map(([name, value]) => {
      const field = `stream.headers.${name}`;
      if (RESERVED_NAME.test(name)) throw invalidField(field, 'is set by the gateway itself');
      if (value !== HIDDEN) return [name, value];
      const kept = Object.hasOwn(stored, name) ? stored[name] : undefined;
      if (kept === undefined) throw invalidField(field, `${HIDDEN} keeps a stored value, and there is none`);
      return [name, kept];
    }),
  );
}
