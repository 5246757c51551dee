// The echo agent: sends every payload straight back, behind a moment of silence. Answers the one question a new installation has: does audio go
// both ways? The moment is what a machine that is busy may be late: without it, each frame that comes back late is a gap for the caller.

import type { BundledAgent, BundledCall } from './conversation.ts';

/** 100 ms. */
const LEAD_PAYLOADS = 5;
const SILENCE = Buffer.alloc(160, 0xff).toString('base64');

export const echoAgent: BundledAgent = {
  answer(call: BundledCall) {
    let isFirst = true;
    return {
      heard(payload) {
        if (isFirst) for (let sent = 0; sent < LEAD_PAYLOADS; sent += 1) call.say(SILENCE);
        isFirst = false;
        call.say(payload);
      },
      markPlayed: () => undefined,
    };
  },
};
