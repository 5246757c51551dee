// Opens the TCP or TLS connection of a WebSocket: options of the socket, and the name look-up that lets only allowed addresses through.

import { lookup as systemLookup, type LookupAddress, type LookupOptions } from 'node:dns';
import { connect as connectTcp, isIP, type OnReadOpts, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';

import { AddressNotAllowedError } from '../errors.ts';
import { CONGESTED_BYTES, TLS_READ_BYTES } from './limits.ts';
import type { ConnectionResources } from './resources.ts';
import type { WebSocketUrl } from './url.ts';

export type DialOutcome =
  | { readonly ok: true; readonly socket: Socket }
  | { readonly ok: false; readonly error: AddressNotAllowedError };

/** Starts to connect; `onBytes` gets every read, in a buffer that is valid during the call. */
export function openSocket(
  url: WebSocketUrl,
  resources: ConnectionResources,
  onBytes: (bytes: Buffer, length: number) => void,
): DialOutcome {
  const { addressAllowed } = resources;
  const literal = isIP(url.host) !== 0;
  if (literal && addressAllowed && !addressAllowed(url.host)) {
    return { ok: false, error: new AddressNotAllowedError(url.host, url.host) };
  }
  const onread: OnReadOpts = {
    buffer: url.secure ? Buffer.allocUnsafeSlow(TLS_READ_BYTES) : resources.readBuffer,
    callback(length, bytes) {
      onBytes(bytes as Buffer, length);
      return true;
    },
  };
  const options = {
    host: url.host,
    port: url.port,
    noDelay: true,
    // `drain` comes after a write that reached this many queued bytes.
    writableHighWaterMark: CONGESTED_BYTES,
    onread,
    ...(addressAllowed && { lookup: guardedLookup(addressAllowed) }),
  };
  if (!url.secure) return { ok: true, socket: connectTcp(options) };
  const servername = literal ? {} : { servername: url.host };
  return { ok: true, socket: connectTls({ ...options, ...servername, secureContext: resources.secureContext() }) };
}

type LookupCallback = (error: NodeJS.ErrnoException | null, address: string | LookupAddress[], family?: number) => void;

/** Refuses a name as soon as one of its addresses is not allowed: a mixed answer is what DNS rebinding looks like. */
function guardedLookup(addressAllowed: (address: string) => boolean) {
  return (host: string, options: LookupOptions, callback: LookupCallback): void => {
    systemLookup(host, { ...options, all: true }, (error, addresses) => {
      if (error) return callback(error, []);
      const refused = addresses.find(({ address }) => !addressAllowed(address));
      if (refused) return callback(new AddressNotAllowedError(host, refused.address), []);
      if (options.all) return callback(null, addresses);
      callback(null, addresses[0]!.address, addresses[0]!.family);
    });
  };
}
