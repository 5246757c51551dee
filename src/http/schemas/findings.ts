// What checks and diagnoses found, as the API shows it.

import { Type } from 'typebox';
import { STEPS } from '../../diagnosis/finding.ts';
import { nullable, object } from './common.ts';

const findingState = Type.Enum(['ok', 'failed', 'warning', 'skipped']);
export const step = Type.Enum([...STEPS]);
const what = {
  state: findingState,
  subject: nullable(Type.String(), 'which of several (a gateway, a number, an agent), or null'),
  seen: Type.String({ description: 'what was seen, a sentence' }),
  advice: nullable(Type.String(), 'what to do, or null where nothing is to be done'),
  docsUrl: nullable(Type.String(), 'a page of the documentation, or null'),
};

export const trunkCheckSchema = object({ check: step, ...what }, { title: 'TrunkCheck' });
export const diagnosisStepSchema = object({ step, ...what }, { title: 'DiagnosisStep' });
