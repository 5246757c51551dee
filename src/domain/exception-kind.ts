// How a carrier's record of a call and ours can differ so that a person must look at it.

export const EXCEPTION_KINDS = [
  /** Both have the call, and the durations are apart by more than the tolerance. */
  'duration_differs',
  /** The carrier has an answered call that we have no record of. */
  'missing_here',
  /** We charged a call that the carrier has no record of a day after its end. */
  'missing_there',
  /** The carrier says that the call was answered; we never saw it. */
  'not_answered_here',
  /** Several of our calls may be the carrier's. */
  'ambiguous',
  /** The carrier charges us another amount than its prices give. */
  'cost_differs',
] as const;

export type ExceptionKind = (typeof EXCEPTION_KINDS)[number];
