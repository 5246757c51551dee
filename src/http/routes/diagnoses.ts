// Why does it not work: of a number, a trunk, or everything of a workspace.

import type { Diagnosis } from '../../diagnosis/diagnosis.ts';
import { isE164 } from '../../domain/e164.ts';
import { scopeOf } from '../auth.ts';
import type { HttpDeps } from '../deps.ts';
import { viewStep } from '../finding-views.ts';
import { invalidField } from '../problems.ts';
import { defineRoute, type Route } from '../route.ts';
import * as schemas from '../schemas/diagnoses.ts';
import { viewTime } from '../views.ts';
import { found, idOf, ownerOf } from './lookup.ts';

export function diagnosisRoutes({ diagnoses }: HttpDeps): readonly Route[] {
  return [
    defineRoute({
      method: 'POST',
      path: '/v1/diagnoses',
      operationId: 'createDiagnosis',
      tag: 'Diagnoses',
      summary:
        'Runs the checklist for a number, a trunk, or with neither for the workspace; changes nothing, places no call',
      access: 'workspace',
      needs: 'read',
      body: schemas.newDiagnosis,
      success: { status: 201, description: 'What was found', schema: schemas.diagnosisSchema },
      problems: ['unknown_reference', 'checks_busy'],
      async handle({ principal, body }) {
        const { numberE164, trunkId } = body;
        if (numberE164 !== undefined && trunkId !== undefined) {
          throw invalidField('trunkId', 'cannot stand beside numberE164: ask about one of them');
        }
        if (numberE164 !== undefined && !isE164(numberE164)) {
          throw invalidField('numberE164', 'must be a number in E.164 form');
        }
        const isAll = numberE164 === undefined && trunkId === undefined;
        const workspaceId = isAll ? ownerOf(principal, body.workspaceId) : scopeOf(principal, body.workspaceId);
        const diagnosis = await diagnoses.run({ numberE164, trunkId, workspaceId });
        return { body: viewDiagnosis(diagnosis), headers: { location: `/v1/diagnoses/${diagnosis.id}` } };
      },
    }),
    defineRoute({
      method: 'GET',
      path: '/v1/diagnoses/{id}',
      operationId: 'getDiagnosis',
      tag: 'Diagnoses',
      summary: 'One diagnosis; kept for an hour, on the node that ran it',
      access: 'workspace',
      success: { status: 200, description: 'What was found', schema: schemas.diagnosisSchema },
      problems: [],
      async handle({ principal, params }) {
        const diagnosis = diagnoses.get(idOf(params), scopeOf(principal));
        return { body: viewDiagnosis(await found(Promise.resolve(diagnosis))) };
      },
    }),
  ];
}

function viewDiagnosis({ createdAt, steps, ...diagnosis }: Diagnosis): object {
  const { id, durationMs, workspaceId, numberE164, trunkId, state } = diagnosis;
  return {
    id,
    createdAt: viewTime(createdAt),
    durationMs,
    workspaceId,
    numberE164,
    trunkId,
    state,
    steps: steps.map(viewStep),
  };
}
