// Matching of messages to transactions: RFC 3261 sections 17.1.3 and 17.2.3.
import { header } from '../message/headers.ts';
import type { SipRequest, SipResponse } from '../message/message.ts';
import { SIP_PORT, topBranch, type Via } from '../message/via.ts';

export const BRANCH_COOKIE = 'z9hG4bK';

/**
 * Key of a server transaction. ACK and CANCEL carry the branch of their INVITE, so the caller names the method looked for.
 * Peers of RFC 2543 send no cookie: Call-ID, From tag, CSeq number and Via stand in for the branch.
 */
export function serverKey(request: SipRequest, via: Via, method: string): string {
  const sentBy = `${via.host.toLowerCase()}:${via.port ?? SIP_PORT}`;
  const branch = via.params.get('branch');
  if (branch?.startsWith(BRANCH_COOKIE)) return `${branch}|${sentBy}|${method}`;
  const cseqNumber = (header(request, 'cseq') ?? '').split(' ', 1)[0];
  return `2543|${header(request, 'call-id')}|${header(request, 'from')}|${cseqNumber}|${branch ?? ''}|${sentBy}|${method}`;
}

export function clientKey(branch: string, method: string): string {
  return `${branch}|${method}`;
}

/** Key of the client transaction a response belongs to, or undefined when it cannot be one of ours. */
export function responseKey(response: SipResponse): string | undefined {
  const branch = topBranch(response);
  const cseq = header(response, 'cseq');
  if (branch === undefined || cseq === undefined) return undefined;
  const method = cseq.slice(cseq.search(/\s/) + 1).trim();
  return clientKey(branch, method);
}
