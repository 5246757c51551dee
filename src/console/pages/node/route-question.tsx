// Why a call would go where it goes: asked with the source, the caller and the called number.

import { useState } from 'react';
import { useAction } from '../../api/hooks.ts';
import { request } from '../../api/request.ts';
import { sentence, wordsOf } from '../../lib/words.ts';
import { Button } from '../../ui/button.tsx';
import { Badge, Notice, ProblemNotice } from '../../ui/feedback.tsx';
import { Field, TextInput } from '../../ui/field.tsx';
import { type StepState, Steps } from '../../ui/steps.tsx';

interface Explanation {
  readonly verdict: 'accepted' | 'refused';
  readonly reason: string | null;
  readonly sipStatus: number;
  readonly text: string;
  readonly steps: readonly {
    readonly check: string;
    readonly result: 'ok' | 'failed' | 'note';
    readonly seen: string;
  }[];
}

const STATE: Readonly<Record<string, StepState>> = { ok: 'good', failed: 'bad', note: 'plain' };

export function RouteQuestion() {
  const [sourceIp, setSource] = useState('127.0.0.1');
  const [from, setFrom] = useState('+12025550199');
  const [to, setTo] = useState('+12025550100');
  const [answer, setAnswer] = useState<Explanation>();
  const asking = useAction(() =>
    request<Explanation>('POST', '/v1/route-explanations', { body: { sourceIp, from, to } }),
  );
  const fieldError = (name: string) => asking.problem?.fields.find(({ field }) => field === name)?.message;
  return (
    <section className="card" aria-labelledby="routing">
      <div className="card-head">
        <h2 id="routing">Why would a call go where it goes?</h2>
      </div>
      <form
        className="card-body stack"
        onSubmit={(event) => {
          event.preventDefault();
          void asking.run().then((found) => setAnswer(found));
        }}
      >
        <div className="form-grid">
          <Field label="Source address" error={fieldError('sourceIp')}>
            <TextInput className="mono" value={sourceIp} onChange={(event) => setSource(event.target.value)} required />
          </Field>
          <Field label="From" error={fieldError('from')}>
            <TextInput className="mono" value={from} onChange={(event) => setFrom(event.target.value)} required />
          </Field>
          <Field label="To" error={fieldError('to')}>
            <TextInput className="mono" value={to} onChange={(event) => setTo(event.target.value)} required />
          </Field>
        </div>
        <div>
          <Button type="submit" busy={asking.busy}>
            Explain
          </Button>
        </div>
        {asking.problem !== undefined && asking.problem.fields.length === 0 && (
          <ProblemNotice problem={asking.problem} />
        )}
        {answer !== undefined && (
          <div role="status">
            <Notice
              tone={answer.verdict === 'accepted' ? 'good' : 'warn'}
              title={answer.verdict === 'accepted' ? 'Accepted' : `Refused with ${answer.sipStatus}`}
            >
              {answer.text} {answer.reason !== null && <Badge>{wordsOf(answer.reason)}</Badge>}
            </Notice>
            <Steps
              of={answer.steps.map(({ check, result, seen }) => ({
                title: sentence(check),
                state: STATE[result] ?? 'plain',
                text: seen,
              }))}
            />
          </div>
        )}
      </form>
    </section>
  );
}
