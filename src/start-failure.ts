// Why a start failed, in one line for what an operator can mend (a port in use, an address that is not there, a lock, a wrong key); the stack
// for what only we can.

import { variableOf } from './config/environment.ts';
import type { Config } from './config/schema.ts';

/** As the system's errors end, whichever part met them; the port is left out where any would have done. */
const PLACE = /\b(?:EADDRINUSE|EADDRNOTAVAIL|EACCES)\b.*? \[?([0-9a-fA-F.:]+?)\]?(?::(\d+))?$/;

export function failureWords(error: unknown, config: Config): string {
  if (!(error instanceof Error)) return String(error);
  const code = 'code' in error && typeof error.code === 'string' ? error.code : null;
  if (code === null) return error.stack ?? error.message;
  return `${code}: ${error.message}${whatToChange(code, error.message, config)}`;
}

function whatToChange(code: string, message: string, { http, sip }: Config): string {
  const [, host, port] = PLACE.exec(message) ?? [];
  if (host === undefined) return '';
  const named = (key: string) => `${key} (${variableOf(key)})`;
  if (code === 'EADDRNOTAVAIL') {
    const keys = [...(http.host === host ? ['http.host'] : []), ...(sip.host === host ? ['sip.host'] : [])];
    return keys.length === 0 ? '' : ` is no address of this machine: change ${keys.map(named).join(' or ')}`;
  }
  const ports: Readonly<Record<string, number | 'off'>> = {
    'http.port': http.port,
    'sip.udpPort': sip.udpPort,
    'sip.tcpPort': sip.tcpPort,
    'sip.tlsPort': sip.tlsPort,
    'sip.wsPort': sip.wsPort,
    'sip.wssPort': sip.wssPort,
  };
  const keys = Object.keys(ports).filter((key) => ports[key] === Number(port));
  const why = code === 'EACCES' ? 'may not be opened by this user' : 'is taken by another program';
  return keys.length === 0 ? '' : ` ${why}: free it, or change ${keys.map(named).join(' or ')}`;
}
