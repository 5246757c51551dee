// One request: its fields saved one by one, its documents, its payment, and where it stands.

import { useEvents } from '../../api/events.ts';
import { useAction, useGet } from '../../api/hooks.ts';
import { call } from '../../api/client.ts';
import type { NumberRequest, NumberRequirement } from '../../api/resources.ts';
import { put, refresh } from '../../api/store.ts';
import { countryName } from '../../lib/countries.ts';
import { wordsOf } from '../../lib/words.ts';
import { useViewer, useWorkspace } from '../../shell/context.ts';
import { Link } from '../../shell/history.ts';
import { Page } from '../../shell/page.tsx';
import { Button } from '../../ui/button.tsx';
import { Loaded, Notice, ProblemNotice } from '../../ui/feedback.tsx';
import { Copy, Phone } from '../../ui/show.tsx';
import { Steps } from '../../ui/steps.tsx';
import { sayDone } from '../../ui/toast.tsx';
import type { PageProps } from '../index.ts';
import { CancelRequest } from './cancel-request.tsx';
import { Documents } from './documents.tsx';
import { Payment } from './payment.tsx';
import { RequestFields } from './request-fields.tsx';
import { isOpen, RequestStatus, wayOf } from './request-status.tsx';
import { requirementOf, useRequirements } from './requirements.ts';

export interface RequestPartProps {
  readonly request: NumberRequest;
  readonly requirement: NumberRequirement;
  readonly canEdit: boolean;
  onChange(request: NumberRequest): void;
}

export function RequestPage({ params }: PageProps) {
  const { at } = useWorkspace();
  const requestId = params['requestId'] ?? '';
  const path = `/v1/number-requests/${requestId}`;
  const { data: request, error, reload } = useGet<NumberRequest>(path);
  const { all, loaded, error: ruleError } = useRequirements();
  useEvents((name, data) => {
    if (name === 'reset' || (name === 'number_request' && (data as NumberRequest).id === requestId)) reload();
  });
  const requirement = request === undefined ? undefined : requirementOf(all, request);
  return (
    <Page
      title={
        request === undefined ? 'Request' : `${countryName(request.country)}, ${wordsOf(request.type).toLowerCase()}`
      }
      back={{ to: at('/requests'), label: 'Requests' }}
      lead={
        request !== undefined && (
          <span className="row">
            <RequestStatus status={request.status} />
            <span>{wordsOf(request.requestType)}</span>
            <span className="copyable">
              Request ID <code>{request.id}</code>
              <Copy text={request.id} label="Copy request id" />
            </span>
          </span>
        )
      }
    >
      <Loaded data={loaded ? request : undefined} error={error ?? ruleError} retry={reload} rows={8}>
        {(shown) => (
          <RequestView request={shown} requirement={requirement} onChange={(changed) => put(path, changed)} />
        )}
      </Loaded>
    </Page>
  );
}

interface RequestViewProps {
  readonly request: NumberRequest;
  readonly requirement: NumberRequirement | undefined;
  onChange(request: NumberRequest): void;
}

function RequestView({ request, requirement, onChange }: RequestViewProps) {
  const { canWrite } = useViewer();
  const canEdit = canWrite && isOpen(request);
  return (
    <div className="aside">
      <div className="stack">
        <Outcome request={request} />
        {requirement === undefined ? (
          <Notice tone="warn">This kind of request is not on offer any more; what it holds is kept.</Notice>
        ) : (
          request.status !== 'cancelled' && (
            <>
              <RequestFields request={request} requirement={requirement} canEdit={canEdit} onChange={onChange} />
              <Documents request={request} requirement={requirement} canEdit={canEdit} onChange={onChange} />
              {canEdit && <Submit request={request} onChange={onChange} />}
            </>
          )
        )}
      </div>
      <div className="stack">
        <section className="card" aria-labelledby="way">
          <div className="card-head">
            <h2 id="way">Progress</h2>
          </div>
          <div className="card-body">
            <Steps of={wayOf(request)} />
          </div>
        </section>
        <Payment request={request} onChange={onChange} />
        {canWrite && request.status !== 'approved' && request.status !== 'cancelled' && (
          <CancelRequest request={request} onChange={onChange} />
        )}
      </div>
    </div>
  );
}

function Outcome({ request }: { readonly request: NumberRequest }) {
  const { at } = useWorkspace();
  if (request.status === 'rejected')
    return (
      <Notice tone="bad" title="Sent back by the operator">
        <p>{request.reason}</p>
        <p>Correct it and submit again; what was paid stays paid.</p>
      </Notice>
    );
  if (request.status === 'approved')
    return (
      <Notice
        tone="good"
        title="Approved"
        action={
          <Link to={at('/numbers')} query={{ assigned: 'false' }}>
            Assign now
          </Link>
        }
      >
        {request.approvedNumbers.map(({ id, e164 }) => (
          <p key={id}>
            <Phone e164={e164} copy />
          </p>
        ))}
      </Notice>
    );
  if (request.status === 'cancelled')
    return (
      <Notice tone="plain">Withdrawn. What was typed and uploaded is erased; what was paid was given back.</Notice>
    );
  if (request.status === 'in_review')
    return (
      <Notice tone="info">
        An operator reviews it. Nothing can be changed meanwhile; you are told here of the outcome.
      </Notice>
    );
  return null;
}

function Submit({ request, onChange }: Pick<RequestPartProps, 'request' | 'onChange'>) {
  const submitting = useAction(() => call('POST /v1/number-requests/{id}/submit', { params: { id: request.id } }));
  if (request.status !== 'draft' && request.status !== 'rejected') return null;
  const submit = async (): Promise<void> => {
    const changed = await submitting.run();
    if (changed === undefined) return;
    onChange(changed);
    refresh('/v1/number-requests?');
    sayDone(
      changed.status === 'in_review' ? 'Submitted for review' : `Submitted: ${wordsOf(changed.status).toLowerCase()}`,
    );
  };
  return (
    <div className="stack-s">
      {submitting.problem !== undefined && <ProblemNotice problem={submitting.problem} />}
      <div className="form-foot">
        {request.missing.fields.length > 0 && <span className="small soft">Save every required field first.</span>}
        <Button
          kind="primary"
          busy={submitting.busy}
          disabled={request.missing.fields.length > 0}
          onClick={() => void submit()}
        >
          Submit request
        </Button>
      </div>
    </div>
  );
}
