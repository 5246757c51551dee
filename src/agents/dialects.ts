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

export interface StreamFactoryOptions extends ConnectionOptions {
  /**
   * Agents of this very process, by their whole URL: dialled whatever `addressAllowed` says. Each asks for a signature of its own, so that
   * a customer who guesses the URL gets a 401 and nothing else.
   */
  readonly ownUrls?: readonly string[];
}

/** The factory of one thread: its streams share buffers, masking keys and the TLS context. */
export function createAgentStreamFactory({ ownUrls = [], ...options }: StreamFactoryOptions = {}): AgentStreamFactory {
  const own = new Set(ownUrls);
  let twilio: TwilioResources | undefined;
  let ownTwilio: TwilioResources | undefined;
  const resourcesFor = (url: string): TwilioResources => {
    if (own.has(url)) {
      const { addressAllowed: _, ...rest } = options;
      ownTwilio ??= createTwilioResources(new ConnectionResources(rest));
      return ownTwilio;
    }
    twilio ??= createTwilioResources(new ConnectionResources(options));
    return twilio;
  };
  return (dial, host) => {
    const parsed = parseWebSocketUrl(dial.url);
    if (!parsed.ok) return stillborn(failure('agent_url_invalid', parsed.detail), host);
    switch (dial.protocol) {
      case 'twilio':
        return new TwilioStream(dial, parsed.url, resourcesFor(dial.url), host);
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
