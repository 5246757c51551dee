// The tokens of a `proxy` frame (wire protocol 2.8).

import type { ProxyOrder } from '../dialog/proxied-request.ts';

/** Longest wait that an application may ask for. */
const TIMEOUT_MAX_MS = 600_000;

/** `txnId|remainInDialog|fullResponse|followRedirects|simultaneous|provisionalTimeout|finalTimeout|target…`; a string is what is wrong with it. */
export function parseProxyOrder(tokens: readonly string[]): ProxyOrder | string {
  const [txnId = '', remain, , redirects, forking, provisional = '', final = '', ...targets] = tokens;
  const provisionalMs = parseTimeout(provisional);
  const finalMs = parseTimeout(final);
  if (provisionalMs === null || finalMs === null) return 'Invalid proxy request: bad timeout';
  if (targets.length === 0) return 'Invalid proxy request: no destination';
  return {
    txnId,
    targets,
    remainsInDialog: remain === 'remainInDialog',
    followsRedirects: redirects === 'followRedirects',
    isSimultaneous: forking === 'simultaneous',
    provisionalMs,
    finalMs,
  };
}

/** `1500ms`, `2s`, nothing; null = none of these. */
function parseTimeout(text: string): number | undefined | null {
  if (text === '') return undefined;
  const match = /^(\d{1,6})(ms|s)$/.exec(text);
  if (match === null) return null;
  return Math.min(Number(match[1]) * (match[2] === 's' ? 1_000 : 1), TIMEOUT_MAX_MS);
}
