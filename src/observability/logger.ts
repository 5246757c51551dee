// The node's log: one JSON object per line through pino, every field and text redacted on its way out (redaction.ts).
//
// Invariant LG1. Redaction covers fields, bindings of child loggers, messages and their arguments, and errors with their causes.

import { type DestinationStream, type Logger as PinoLogger, pino, stdTimeFunctions } from 'pino';
import { createRedactor, type NumberPolicy } from './redaction.ts';

export type Logger = PinoLogger;
export type LogLevel = 'fatal' | 'error' | 'warn' | 'info' | 'debug' | 'trace' | 'silent';

export interface LoggerOptions {
  readonly level: LogLevel;
  /** Default: stdout. */
  readonly destination?: DestinationStream;
  /** How telephone numbers appear. Default `last4`. */
  readonly numbers?: NumberPolicy;
}

/**
 * Lines leave in blocks, every 100 ms at the latest and at exit: a write per line would wake the reader for each, some 0.1 ms of a
 * busy core. A kill -9 can cost the last 100 ms of the log, never anything of the books.
 */
const BUFFERED_STDOUT = { dest: 1, sync: false, minLength: 4096, periodicFlush: 100 } as const;

export function createLogger({ level, destination, numbers = 'last4' }: LoggerOptions): Logger {
  const redact = createRedactor(numbers);
  const redactFields = (fields: object): Record<string, unknown> => redact(fields) as Record<string, unknown>;
  const logger: Logger = pino(
    {
      level,
      base: null,
      timestamp: stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }), log: redactFields },
      // Errors are already plain objects when they get here (LG1).
      serializers: { err: (value: unknown) => value },
      hooks: {
        logMethod(args, method) {
          const [first, ...rest] = args as unknown[];
          const clean =
            first instanceof Error
              ? [{ err: first }, rest.length > 0 ? rest[0] : first.message, ...rest.slice(1)]
              : args;
          // The first object goes through `formatters.log`; texts and further arguments are redacted here.
          const safe = clean.map((arg, index) => (index === 0 && typeof arg === 'object' ? arg : redact(arg)));
          method.apply(this, safe as Parameters<typeof method>);
        },
      },
    },
    destination ?? pino.destination(BUFFERED_STDOUT),
  );
  // pino resets its `bindings` formatter for children, so the method itself is wrapped; children inherit it (LG1).
  const makeChild = logger.child;
  logger.child = function child(this: Logger, bindings, options) {
    return makeChild.call(this, redactFields(bindings), options) as ReturnType<typeof makeChild>;
  } as typeof makeChild;
  return logger;
}

/** The logger of one call: every line of it carries the id. */
export function loggerOfCall(logger: Logger, callId: string): Logger {
  return logger.child({ callId });
}
