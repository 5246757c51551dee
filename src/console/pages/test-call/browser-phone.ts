// The phone in the browser: SIP over a WebSocket, audio over WebRTC, one call with the credentials it is given. No React here.
//
//   connecting -> ringing -> talking -> ended
//        └──────────┴───────────┴────-> failed (why, in words)

import { Inviter, type InviterInviteOptions, SessionState, UserAgent, type UserAgentOptions, type Web } from 'sip.js';
import type { TestCall } from '../../api/resources.ts';

export type PhoneState = 'connecting' | 'ringing' | 'talking' | 'ended';

export interface PhoneEvents {
  onState(state: PhoneState): void;
  onAudio(audio: { readonly own: MediaStream; readonly far: MediaStream }): void;
  /** Instead of `ended`; in words. */
  onFailure(why: string): void;
}

export interface BrowserCall {
  hangUp(): void;
  mute(muted: boolean): void;
  sendDigit(digit: string): void;
}

/** On one machine or behind one NAT all candidates are there at once; longer waiting only delays the call. */
const ICE_GATHERING_MS = 1_000;
const CONNECT_TIMEOUT_SEC = 8;

export async function placeTestCall(testCall: TestCall, events: PhoneEvents): Promise<BrowserCall> {
  const { wsUrl, sipUri, username, password, realm, iceServers } = testCall;
  const uri = UserAgent.makeURI(`sip:${username}@${realm}`);
  const target = UserAgent.makeURI(sipUri);
  if (uri === undefined || target === undefined) throw new Error('The gateway gave an address that cannot be called');
  let isOver = false;
  const options: UserAgentOptions = {
    uri,
    authorizationUsername: username,
    authorizationPassword: password,
    transportOptions: { server: wsUrl, connectionTimeout: CONNECT_TIMEOUT_SEC },
    logBuiltinEnabled: false,
    logLevel: 'error',
    sessionDescriptionHandlerFactoryOptions: {
      iceGatheringTimeout: ICE_GATHERING_MS,
      peerConnectionConfiguration: { bundlePolicy: 'max-bundle', iceServers: iceServers.map(iceServerOf) },
    },
  };
  const agent = new UserAgent(options);
  const finish = (why: string | null): void => {
    if (isOver) return;
    isOver = true;
    void agent.stop().catch(() => undefined);
    if (why === null) events.onState('ended');
    else events.onFailure(why);
  };

  events.onState('connecting');
  try {
    await agent.start();
  } catch {
    finish('The SIP engine’s WebSocket cannot be reached from this browser. Is its port open to it?');
    return { hangUp: () => undefined, mute: () => undefined, sendDigit: () => undefined };
  }
  agent.transport.onDisconnect = (error) => finish(error === undefined ? null : 'The connection to the gateway broke');

  const inviter = new Inviter(agent, target, { earlyMedia: false });
  inviter.stateChange.addListener((state) => {
    if (state === SessionState.Established) {
      const handler = handlerOf(inviter);
      if (handler !== undefined) events.onAudio({ own: handler.localMediaStream, far: handler.remoteMediaStream });
      events.onState('talking');
    }
    if (state === SessionState.Terminated) finish(null);
  });
  const invite: InviterInviteOptions = {
    sessionDescriptionHandlerOptions: {
      constraints: { audio: true, video: false },
    } as Web.SessionDescriptionHandlerOptions,
    requestDelegate: {
      onProgress: () => events.onState('ringing'),
      onReject: ({ message }) =>
        finish(refusalOf(message.statusCode, message.reasonPhrase, message.getHeader('reason'))),
    },
  };
  await inviter.invite(invite).catch((error: unknown) => finish(micWords(error)));

  return {
    hangUp() {
      if (inviter.state === SessionState.Established) void inviter.bye().catch(() => finish(null));
      else if (inviter.state === SessionState.Establishing) void inviter.cancel().catch(() => finish(null));
      else finish(null);
    },
    mute(muted) {
      handlerOf(inviter)?.enableSenderTracks(!muted);
    },
    sendDigit(digit) {
      handlerOf(inviter)?.sendDtmf(digit);
    },
  };
}

function handlerOf(inviter: Inviter): Web.SessionDescriptionHandler | undefined {
  return inviter.sessionDescriptionHandler as Web.SessionDescriptionHandler | undefined;
}

function iceServerOf({ urls, username, credential }: TestCall['iceServers'][number]): RTCIceServer {
  return {
    urls: [...urls],
    ...(username === undefined ? {} : { username }),
    ...(credential === undefined ? {} : { credential }),
  };
}

/** The code in the Reason header is the word that the whole gateway uses. */
function refusalOf(status: number | undefined, phrase: string | undefined, reason: string | undefined): string {
  const code = /text="(\w+)"/.exec(reason ?? '')?.[1];
  return code ?? `Refused with ${status ?? ''} ${phrase ?? ''}`.trim();
}

function micWords(error: unknown): string {
  const name = error instanceof Error ? error.name : '';
  if (name === 'NotAllowedError')
    return 'The browser may not use the microphone. Allow it for this page and call again.';
  if (name === 'NotFoundError') return 'No microphone was found. Connect one and call again.';
  return error instanceof Error ? error.message : 'The call could not be placed';
}
