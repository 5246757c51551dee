// The echo agent: sends every payload straight back. Answers the one question a new installation has: does audio go both ways?

import type { BundledAgent, BundledCall } from './conversation.ts';

export const echoAgent: BundledAgent = {
  answer(call: BundledCall) {
    return {
      heard: (payload) => call.say(payload),
      markPlayed: () => undefined,
    };
  },
};
