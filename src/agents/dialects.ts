// Which protocol an agent speaks. Runs in the media thread; importing opens nothing.

import type {
  AgentDial,
  AgentFailure,
  AgentStream,
  AgentStreamFactory,
  AgentStreamHost,
} from '../media/agent-stream.ts';
import { failure } from './errors.ts';
import { createTwilioResources, TwilioStream, type TwilioResources } from './twilio/stream.ts';
import { type ConnectionOptions, ConnectionResources } from './websocket/resources.ts';
import { parseWebSocketUrl } from './websocket/url.ts';

/** The factory of one thread: its streams share buffers, masking keys and the TLS context. */
export function createAgentStreamFactory(options: ConnectionOptions = {}): AgentStreamFactory {
  let twilio: TwilioResources | undefined;
  return (dial, host) => {
    const parsed = parseWebSocketUrl(dial.url);
    if (!parsed.ok) return stillborn(failure('agent_url_invalid', parsed.detail), host);
    switch (dial.protocol) {
      case 'twilio':
        twilio ??= createTwilioResources(new ConnectionResources(options));
        return new TwilioStream(dial, parsed.url, twilio, host);
      default:
        return stillborn(failure('agent_protocol_unsupported', dial.protocol), host);
    }
  };
}

let shared: AgentStreamFactory | undefined;

/** The factory with default options; its buffers are made at the first call in a thread. */
export const createAgentStream: AgentStreamFactory = (dial: AgentDial, host: AgentStreamHost): AgentStream => {
  shared ??= createAgentStreamFactory();
  return shared(dial, host);
};

/** A stream that only reports why there is none, after the caller has got hold of it. */
function stillborn(reason: AgentFailure, host: AgentStreamHost): AgentStream {
  let closed = false;
  process.nextTick(() => {
    if (!closed) host.ended(reason);
    closed = true;
  });
  const ignored = (): void => undefined;
  return {
    start: ignored,
    audio: ignored,
    dtmf: ignored,
    markPlayed: ignored,
    notify: ignored,
    tick: ignored,
    close: () => {
      closed = true;
    },
  };
}
