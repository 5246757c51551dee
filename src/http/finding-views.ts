// Findings as the API shows them: of a trunk's checks, and of a diagnosis.

import type { Finding } from '../diagnosis/finding.ts';

export function viewCheck({ step, state, subject, seen, advice, docs }: Finding): object {
  return { check: step, state, subject, seen, advice, docsUrl: docs };
}

export function viewStep({ step, state, subject, seen, advice, docs }: Finding): object {
  return { step, state, subject, seen, advice, docsUrl: docs };
}
