// The SIP messages of a call as the API shows them.

import { Type } from 'typebox';
import { id, nullable, object, time } from './common.ts';

const party = Type.String({
  description: '`gateway`, the address of the other side, or `carrier` where that is not shown',
});

export const ladderMessageSchema = object(
  {
    at: time,
    offsetMs: Type.Integer({ description: 'milliseconds since the call started' }),
    direction: Type.Enum(['in', 'out']),
    transport: Type.String(),
    from: party,
    to: party,
    startLine: Type.String(),
    method: Type.String({ description: 'of the request, or of the request that a response answers' }),
    status: nullable(Type.Integer(), 'of a response'),
    cseq: nullable(Type.Integer()),
    text: nullable(
      Type.String(),
      'the message without credentials, media keys and keyed digits; null for a workspace where the carrier is the operator’s',
    ),
  },
  { title: 'LadderMessage' },
);

export const ladderSchema = object(
  {
    callId: id,
    items: Type.Array(ladderMessageSchema),
    dropped: Type.Integer({ minimum: 0, description: 'messages beyond what is kept of one call' }),
    kept: Type.Boolean({ description: 'false: the messages were forgotten, or another node had the call' }),
  },
  { title: 'Ladder' },
);
