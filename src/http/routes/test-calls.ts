// Test calls from a browser: credentials for one, over SIP in a WebSocket.

import type { HttpDeps } from '../deps.ts';
import { Problem } from '../problems.ts';
import { defineRoute, type Route } from '../route.ts';
import * as schemas from '../schemas/test-calls.ts';
import { viewTestCall } from '../test-call-views.ts';
import { ownerOf } from './lookup.ts';

/** Prepared ones expire by themselves. */
const RETRY_AFTER_SEC = '30';

export function testCallRoutes({ directory, testCalls }: Pick<HttpDeps, 'directory' | 'testCalls'>): readonly Route[] {
  return [
    defineRoute({
      method: 'POST',
      path: '/v1/test-calls',
      operationId: 'prepareTestCall',
      tag: 'Calls',
      summary: 'Prepares a test call from a browser to an agent: credentials for one call, good for two minutes',
      access: 'workspace',
      body: schemas.newTestCall,
      success: { status: 201, description: 'What the browser needs', schema: schemas.testCallSchema },
      problems: ['unknown_reference', 'test_calls_off', 'test_call_limit'],
      async handle({ principal, body }) {
        const workspaceId = ownerOf(principal, body.workspaceId);
        const { agentId } = body;
        if ((await directory.agents.get(agentId, workspaceId)) === undefined) {
          throw new Problem('unknown_reference', { fields: [{ field: 'agentId', message: 'does not exist' }] });
        }
        const prepared = testCalls.prepare({ workspaceId, agentId });
        if (prepared === 'test_calls_off') throw new Problem(prepared);
        if (prepared === 'test_call_limit') {
          throw new Problem(prepared, { headers: { 'retry-after': RETRY_AFTER_SEC } });
        }
        return { body: viewTestCall(prepared) };
      },
    }),
  ];
}
