// Errors of this room. Refused calls and lost legs are events (leg.ts), not errors.

export class SignallingError extends Error {
  /** `sip_engine_unreachable`: nothing answered in time. `sip_engine_refused`: the engine does not take our secret. */
  readonly code: 'sip_engine_unreachable' | 'sip_engine_refused';

  constructor(code: SignallingError['code'], message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'SignallingError';
    this.code = code;
  }
}
