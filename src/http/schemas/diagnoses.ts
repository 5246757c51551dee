// Diagnoses as the API takes and shows them.

import { Type } from 'typebox';
import { durationMs, e164, id, nullable, object, optional, time } from './common.ts';
import { diagnosisStepSchema } from './findings.ts';

export const newDiagnosis = object({
  workspaceId: optional(id),
  numberE164: optional(e164),
  trunkId: optional(id),
});
export const diagnosisSchema = object(
  {
    id,
    createdAt: time,
    durationMs,
    workspaceId: nullable(id),
    numberE164: nullable(e164),
    trunkId: nullable(id),
    state: Type.Enum(['ok', 'warning', 'failed']),
    steps: Type.Array(diagnosisStepSchema),
  },
  { title: 'Diagnosis' },
);
