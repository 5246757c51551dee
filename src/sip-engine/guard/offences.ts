// What strangers do that nobody does who means well, and how much of it is too much. A ban comes at `banPoints`, points are forgiven with time.

/** Why a source is banned; a label of metrics. */
export type Offence = 'scanner' | 'malformed' | 'register' | 'invite' | 'options' | 'other_request' | 'digest' | 'rate';

/** A share of the points that make a ban. `scanner`: its name alone is enough. */
export const OFFENCE_POINTS: Readonly<Record<Offence, number>> = {
  scanner: Number.POSITIVE_INFINITY,
  // Eight guesses at an extension.
  register: 5,
  // Ten calls to numbers that are none of theirs.
  invite: 4,
  digest: 5,
  other_request: 2,
  malformed: 2,
  // A monitor may ask every two seconds.
  options: 1,
  // What came over the limit of one stranger.
  rate: 1,
};

/** Names that scanning tools give themselves in User-Agent, and sipvicious also in From. */
const SCANNERS =
  /friendly-scanner|friendly-request|sip-?vicious|sundayddr|sipsak|sip-?scan|sipcli|iWar\b|sivus|smap\b|VaxSIPUserAgent|VaxIPUserAgent|pplsip|sipv\b|eyeBeam release 3006o|CSipSimple\/r?1\.0\b|^Gulp$|\bvoipdos|pbxsploit|Custom Scanner/i;

export interface StrangerRequest {
  readonly method: string;
  readonly userAgent: string | undefined;
  readonly from: string | undefined;
  /** With a To tag it claims to belong to a call, and is judged by whether it does. */
  readonly isInDialog: boolean;
  /** A browser: it calls from anywhere, and is asked to prove that it may. */
  readonly isBrowser?: boolean;
}

/** What a stranger's request counts as; undefined: nothing. ACKs and what belongs to a call are answers to something of ours. */
export function offenceOf({
  method,
  userAgent,
  from,
  isInDialog,
  isBrowser = false,
}: StrangerRequest): Offence | undefined {
  if (userAgent !== undefined && SCANNERS.test(userAgent)) return 'scanner';
  if (from !== undefined && /sipvicious/i.test(from)) return 'scanner';
  if (isInDialog || method === 'ACK' || method === 'CANCEL') return undefined;
  if (method === 'REGISTER' || method === 'SUBSCRIBE') return 'register';
  if (method === 'INVITE') return isBrowser ? undefined : 'invite';
  return method === 'OPTIONS' ? 'options' : 'other_request';
}
