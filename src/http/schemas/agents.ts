// Agents as the API takes and shows them. `authToken` goes in and never comes out.

import { Type } from 'typebox';
import { AGENT_PROTOCOLS } from '../../agents/dial.ts';
import { codec, headerText, id, line, name, nullable, object, optional, secret, time } from './common.ts';

/** Others are refused when saved, not when a call arrives. */
const protocol = Type.Enum([...AGENT_PROTOCOLS]);
const headerName = Type.String({ pattern: "^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,64}$" });
const headers = Type.Record(headerName, headerText, { maxProperties: 20, additionalProperties: false });
export const customParameters = Type.Record(Type.String({ pattern: '^[A-Za-z][A-Za-z0-9_.-]{0,63}$' }), line(500), {
  maxProperties: 32,
  additionalProperties: false,
});
const streamShape = {
  url: Type.String({
    minLength: 6,
    maxLength: 2048,
    pattern: '^wss?://[^\\s@#]+$',
    description: 'a ws:// or wss:// address without user information',
  }),
  protocol,
  codec,
  headers,
  customParameters,
  extensionEvents: Type.Boolean({
    description:
      'also send events that the dialect does not know (`callin.…`), such as the warning before the money ends',
  }),
};
const readyTimeoutMs = Type.Integer({ minimum: 100, maximum: 30_000, description: 'milliseconds' });
export const agentSchema = object(
  {
    id,
    createdAt: time,
    workspaceId: id,
    name,
    stream: object({ ...streamShape, authTokenSet: Type.Boolean() }),
    fallbackAgentId: nullable(id),
    readyTimeoutMs,
  },
  { title: 'Agent' },
);
export const newAgent = object({
  workspaceId: optional(id),
  name,
  stream: object({
    url: streamShape.url,
    protocol,
    codec: optional(codec),
    headers: optional(headers),
    authToken: optional(nullable(secret, 'a secret, or null for none')),
    customParameters: optional(customParameters),
    extensionEvents: optional(streamShape.extensionEvents),
  }),
  fallbackAgentId: optional(nullable(id)),
  readyTimeoutMs: optional(readyTimeoutMs),
});
export const agentChange = object({
  name: optional(name),
  stream: optional(
    Type.Partial(object({ ...streamShape, authToken: nullable(secret, 'a secret, or null for none') }), {
      additionalProperties: false,
    }),
  ),
  fallbackAgentId: optional(nullable(id)),
  readyTimeoutMs: optional(readyTimeoutMs),
});
