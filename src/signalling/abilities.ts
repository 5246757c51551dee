// What this user agent does, as it says itself: Allow, Supported, Accept. One list, so that no header promises more than is there.

/** Methods that are answered with something else than a refusal. */
export const ALLOW = 'INVITE, ACK, CANCEL, BYE, OPTIONS, INFO, PRACK, UPDATE, REFER, NOTIFY';

/** Option tags that a peer may require: reliable provisional responses (RFC 3262), session timers (RFC 4028), Replaces (RFC 3891). */
export const OPTION_TAGS: readonly string[] = ['100rel', 'timer', 'replaces'];
export const SUPPORTED = OPTION_TAGS.join(', ');

export const ACCEPT = 'application/sdp';

/** All methods of SIP (RFC 3261 and its extensions); anything else gets 501 rather than 405. */
export const KNOWN_METHODS: ReadonlySet<string> = new Set([
  'INVITE',
  'ACK',
  'CANCEL',
  'BYE',
  'OPTIONS',
  'INFO',
  'PRACK',
  'UPDATE',
  'REGISTER',
  'MESSAGE',
  'SUBSCRIBE',
  'NOTIFY',
  'PUBLISH',
  'REFER',
]);
