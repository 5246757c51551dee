// Sources of SIP that are not listened to for a while.

import { Type } from 'typebox';
import { object, time } from './common.ts';

export const sipBanSchema = object(
  {
    network: Type.String({ description: 'an IPv4 address, or a /64 of IPv6' }),
    way: Type.Enum(['datagram', 'connection'], { description: 'datagram: UDP only, as its sender may be forged' }),
    reason: Type.Enum(['scanner', 'malformed', 'register', 'invite', 'options', 'other_request', 'digest', 'rate']),
    since: time,
    until: time,
    times: Type.Integer({ minimum: 1, description: 'which ban of this source it is: each lasts twice as long' }),
    turnedAway: Type.Integer({ minimum: 0, description: 'messages and connections since' }),
  },
  { title: 'SipBan' },
);

export const sipBansSchema = object({ items: Type.Array(sipBanSchema) });
