// What can go wrong between us and an agent: violations of WebSocket (RFC 6455) and the verdict that media and the call's timeline see.
// Both are values, never thrown: a broken runtime is expected, and costs only its own call.

import type { AgentFailure } from '../media/agent-stream.ts';

/** A rule of RFC 6455 that the runtime broke: our stable code, the close code it gets (7.4.1), and what happened in words. */
export interface Violation {
  readonly code: string;
  readonly closeCode: number;
  readonly text: string;
}

const violation = (code: string, closeCode: number, text: string): Violation => ({ code, closeCode, text });

export const VIOLATIONS = {
  reservedBits: violation('ws_reserved_bits', 1002, 'reserved bits are set without an extension'),
  invalidOpcode: violation('ws_invalid_opcode', 1002, 'the opcode is reserved'),
  maskedByServer: violation('ws_masked_by_server', 1002, 'a server must not mask'),
  controlFragmented: violation('ws_control_fragmented', 1002, 'a control frame is fragmented'),
  controlTooLong: violation('ws_control_too_long', 1002, 'a control frame is longer than 125 bytes'),
  continuationUnexpected: violation('ws_continuation_unexpected', 1002, 'a continuation without a message'),
  continuationExpected: violation('ws_continuation_expected', 1002, 'a new message inside a fragmented one'),
  closePayload: violation('ws_close_payload', 1002, 'the close frame has half a status'),
  closeCode: violation('ws_close_code', 1002, 'the close status must not appear on the wire'),
  invalidUtf8: violation('ws_invalid_utf8', 1007, 'a text is not UTF-8'),
  messageTooBig: violation('ws_message_too_big', 1009, 'a message is longer than the limit'),
} as const satisfies Record<string, Violation>;

/** Every code of AgentFailure with what it means to an operator; README.md of this folder is checked against it. */
export const FAILURES = {
  agent_refused: 'nobody listens there, or the address cannot be reached',
  agent_connect_timeout: 'connected, secured and upgraded too late',
  agent_dns_failed: 'the name could not be resolved',
  agent_tls_failed: 'the certificate was not accepted, or the peer does not speak TLS',
  agent_handshake_rejected: 'the upgrade was answered with another status than 101, or not at all',
  agent_url_invalid: 'the URL, a configured header or the resolved address is not allowed',
  agent_protocol_unsupported: 'no dialect of this name',
  agent_protocol_error: 'a rule of HTTP or WebSocket was broken, by it or, as it says, by us',
  agent_broken: 'the connection ended without a close frame, or with one that means trouble',
  agent_timeout: 'no byte, not even a pong, for 10 s',
  agent_slow: 'it does not read what we send',
} as const satisfies Record<AgentFailure['code'], string>;

export function failure(code: AgentFailure['code'], detail: string): AgentFailure {
  return { code, detail };
}

/** System calls of a name look-up; any other error is judged by how far the connection had come. */
const DNS_CALLS = new Set(['getaddrinfo', 'queryA', 'queryAaaa']);
const UNREACHABLE = new Set(['ECONNREFUSED', 'EHOSTUNREACH', 'ENETUNREACH', 'EHOSTDOWN', 'EADDRNOTAVAIL', 'EACCES']);

export type ConnectStage = 'connecting' | 'securing' | 'upgrading';

/** The verdict on a socket error before the upgrade was done; `stage` says how far we had come. */
export function connectFailure(error: NodeJS.ErrnoException, stage: ConnectStage): AgentFailure {
  const detail = error.code ?? error.message;
  if (error.code === ADDRESS_NOT_ALLOWED) return failure('agent_url_invalid', error.message);
  if (DNS_CALLS.has(error.syscall ?? '')) return failure('agent_dns_failed', detail);
  if (error.code === 'ETIMEDOUT') return failure('agent_connect_timeout', detail);
  if (stage === 'connecting') return failure('agent_refused', UNREACHABLE.has(detail) ? detail : `connect: ${detail}`);
  if (stage === 'securing') return failure('agent_tls_failed', detail);
  return failure('agent_handshake_rejected', `connection lost during the upgrade: ${detail}`);
}

/** Code of the error that our own name look-up gives for an address the operator does not allow. */
export const ADDRESS_NOT_ALLOWED = 'EADDRESSNOTALLOWED';

export class AddressNotAllowedError extends Error {
  readonly code = ADDRESS_NOT_ALLOWED;
  constructor(host: string, address: string) {
    super(
      host === address ? `address ${address} is not allowed` : `${host} resolves to ${address}, which is not allowed`,
    );
    this.name = 'AddressNotAllowedError';
  }
}

/** Close codes by which a runtime says "we are done" (RFC 6455 7.4): normal, no status, and the private range. */
export function closedInOrder(closeCode: number): boolean {
  return closeCode === 1000 || closeCode === 1005 || closeCode >= 3000;
}

const BLAMES_US = new Set([1002, 1003, 1007, 1008, 1009, 1010]);

/** The verdict on a close frame that is not in order: the runtime leaves (1001, 1011-1014) or accuses us of an error. */
export function closeFailure(closeCode: number, reason: string): AgentFailure {
  const detail = reason === '' ? `closed with ${closeCode}` : `closed with ${closeCode}: ${reason}`;
  return failure(BLAMES_US.has(closeCode) ? 'agent_protocol_error' : 'agent_broken', detail);
}

/** The bundled demo agents could not be started. */
export class BundledAgentsError extends Error {
  readonly code = 'bundled_agents_failed';
  constructor(detail: string, cause?: unknown) {
    super(`Bundled agents: ${detail}`, { cause });
    this.name = 'BundledAgentsError';
  }
}
