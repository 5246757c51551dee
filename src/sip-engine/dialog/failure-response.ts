// Responses the engine makes in place of a peer that did not answer: complete, so that an application can treat them like any
// other (wire protocol section 3, timeout and transport failure).
import { makeResponse } from '../message/builders.ts';
import type { SipRequest, SipResponse } from '../message/message.ts';

export function failureResponse(request: SipRequest, status: number, toTag: string): SipResponse {
  return makeResponse(request, status, undefined, { toTag });
}
