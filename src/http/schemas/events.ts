// The event stream as the API takes it.

import { Type } from 'typebox';
import { object, optional, workspaceFilter } from './common.ts';

export const EVENT_STREAM_TYPE = 'text/event-stream';

export const eventQuery = object({
  ...workspaceFilter,
  lastEventId: optional(
    Type.String({ minLength: 1, maxLength: 100, pattern: '^[\\w-]+$', description: 'the id of an event' }),
  ),
});
