// Can a TCP connection, and TLS over it, be made to a carrier's address? Nothing is said over it: it is closed as soon as it is known.
//
// Invariants
//   RC1. The address is dialled as it is given: it was judged by whoever looked the name up, and no name is looked up here.
//   RC2. One outcome within the time, and no socket stays open.

import { connect, type Socket } from 'node:net';
import { connect as connectTls, type PeerCertificate, type SecureContextOptions } from 'node:tls';
import type { Clock } from '../domain/clock.ts';

export interface ReachTarget {
  readonly address: string;
  readonly port: number;
  readonly timeoutMs: number;
  readonly clock: Clock;
}

export type ReachOutcome =
  | { readonly ok: true; readonly elapsedMs: number }
  | { readonly ok: false; readonly code: string; readonly elapsedMs: number };

export type TlsOutcome =
  | { readonly ok: true; readonly elapsedMs: number; readonly protocol: string; readonly validTo: string | null }
  /** `certificate`: the connection is secure, but not with whom the name says. */
  | {
      readonly ok: false;
      readonly kind: 'handshake' | 'certificate';
      readonly code: string;
      readonly elapsedMs: number;
    };

export interface TlsTarget extends ReachTarget {
  /** The certificate must be for this name; null = for the address. */
  readonly name: string | null;
  /** PEM of the authorities that are trusted; undefined = those of the runtime. */
  readonly ca?: SecureContextOptions['ca'] | undefined;
  /** What is wrong with a certificate (DER) that is to prove this name or address; undefined = as the runtime judges. */
  readonly identityFault?: ((host: string, certificate: Buffer) => Error | undefined) | undefined;
}

const TIMEOUT = 'ETIMEDOUT';

export function reach(target: ReachTarget): Promise<ReachOutcome> {
  return new Promise((resolve) => {
    const socket = connect({ host: target.address, port: target.port });
    const done = over(socket, target, (code, elapsedMs) => {
      resolve(code === null ? { ok: true, elapsedMs } : { ok: false, code, elapsedMs });
    });
    socket.once('connect', () => done(null));
  });
}

export function reachTls(target: TlsTarget): Promise<TlsOutcome> {
  const { address, port, name, ca, identityFault } = target;
  return new Promise((resolve) => {
    const socket = connectTls({
      host: address,
      port,
      minVersion: 'TLSv1.2',
      // Judged below: what is wrong with a certificate is what the customer wants to know.
      rejectUnauthorized: false,
      ...(name === null ? {} : { servername: name }),
      ...(ca === undefined ? {} : { ca }),
      ...(identityFault === undefined
        ? {}
        : { checkServerIdentity: (_host: string, { raw }: PeerCertificate) => identityFault(name ?? address, raw) }),
    });
    const done = over(socket, target, (code, elapsedMs) => {
      if (code !== null) return resolve({ ok: false, kind: 'handshake', code, elapsedMs });
      const fault = socket.authorizationError as Error | string | null;
      if (fault) return resolve({ ok: false, kind: 'certificate', code: codeOf(fault), elapsedMs });
      const validTo = socket.getPeerCertificate().valid_to ?? null;
      resolve({ ok: true, elapsedMs, protocol: socket.getProtocol() ?? 'TLS', validTo });
    });
    socket.once('secureConnect', () => done(null));
  });
}

/** RC2 */
function over(
  socket: Socket,
  { clock, timeoutMs }: ReachTarget,
  tell: (code: string | null, elapsedMs: number) => void,
): (code: string | null) => void {
  const startedMs = clock.monotonicMs();
  let told = false;
  const done = (code: string | null): void => {
    if (told) return;
    told = true;
    timer.cancel();
    tell(code, Math.round(clock.monotonicMs() - startedMs));
    socket.destroy();
  };
  const timer = clock.setTimer(() => done(TIMEOUT), timeoutMs);
  // Also after the end: a socket that is being destroyed may still have something to complain of.
  socket.on('error', (error) => done(codeOf(error)));
  socket.once('close', () => done('ECONNRESET'));
  return done;
}

function codeOf(error: (Error & { readonly code?: string }) | string): string {
  return typeof error === 'string' ? error : (error.code ?? error.message);
}
