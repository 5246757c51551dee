// How long a request may take to arrive. Node has one limit for all requests of a server: it is that of the longest, a form with a file. All
// others are held to theirs here.

import type { FastifyInstance } from 'fastify';
import type { Clock } from '../domain/clock.ts';
import { refuseBytes } from './answers.ts';
import { FORM_TYPE } from './form.ts';
import type { HttpLimits } from './limits.ts';

export function limitArrival(app: FastifyInstance, clock: Clock, { requestTimeoutMs }: HttpLimits): void {
  app.server.headersTimeout = requestTimeoutMs;
  app.addHook('onRequest', async ({ raw, routeOptions }, reply) => {
    if (routeOptions.config.takes === FORM_TYPE) return;
    const timer = clock.setTimer(() => {
      if (raw.complete) return;
      // An answer that was given without the body is not followed by another one.
      if (reply.raw.headersSent) raw.socket.destroy();
      else refuseBytes(new ArrivalTimeout(), raw.socket);
    }, requestTimeoutMs);
    raw.once('close', () => timer.cancel());
  });
}

/** As Node calls it where its own limit is over. */
class ArrivalTimeout extends Error {
  readonly code = 'ERR_HTTP_REQUEST_TIMEOUT';
}
