// Diagnosis: the checklist of the manual, run against the real configuration and the real network.

import { useEffect, useRef, useState } from 'react';
import { call } from '../../api/client.ts';
import { useAction } from '../../api/hooks.ts';
import { useSomeNumbers, useTrunks } from '../../api/named.ts';
import type { Diagnosis, DiagnosisStep } from '../../api/resources.ts';
import { durationText } from '../../lib/duration.ts';
import { readable, toE164 } from '../../lib/phone-number.ts';
import { sentence } from '../../lib/words.ts';
import { useWorkspace } from '../../shell/context.ts';
import { useQuery } from '../../shell/history.ts';
import { Page } from '../../shell/page.tsx';
import { Button } from '../../ui/button.tsx';
import { Empty, Notice, ProblemNotice, type Tone } from '../../ui/feedback.tsx';
import { Choices, Field, Select, TextInput } from '../../ui/field.tsx';
import { Time } from '../../ui/show.tsx';
import { type StepItem, type StepState, Steps } from '../../ui/steps.tsx';

type Subject = 'workspace' | 'number' | 'trunk';

export function DiagnosisPage() {
  const { id: workspaceId } = useWorkspace();
  const [query, setQuery] = useQuery();
  const { number = '', trunk = '' } = query;
  const [subject, setSubject] = useState<Subject>(number !== '' ? 'number' : trunk !== '' ? 'trunk' : 'workspace');
  const [diagnosis, setDiagnosis] = useState<Diagnosis>();
  const running = useAction((body: { readonly numberE164?: string; readonly trunkId?: string }) =>
    call('POST /v1/diagnoses', { body: { workspaceId, ...body } }),
  );
  const run = async (): Promise<void> => {
    const e164 = toE164(number);
    const body =
      subject === 'number' && e164 !== undefined ? { numberE164: e164 } : subject === 'trunk' ? { trunkId: trunk } : {};
    setDiagnosis(await running.run(body));
  };
  // Reached by a link beside a number or a trunk: what was asked for is clear already.
  const asked = useRef(false);
  useEffect(() => {
    if (asked.current || (number === '' && trunk === '')) return;
    asked.current = true;
    void run();
  });
  const isReady = subject === 'workspace' || (subject === 'number' ? toE164(number) !== undefined : trunk !== '');
  return (
    <Page
      title="Diagnosis"
      lead="“I can’t make calls”, “my numbers don’t show up”: the checklist, run against what is really there. It changes nothing and places no call."
    >
      <form
        className="card"
        onSubmit={(event) => {
          event.preventDefault();
          void run();
        }}
      >
        <div className="card-body form">
          <Choices<Subject>
            legend="What does not work?"
            value={subject}
            options={[
              { value: 'workspace', label: 'Everything', hint: 'Numbers, agents, trunks, money' },
              { value: 'number', label: 'A number', hint: 'Calls from or to it' },
              { value: 'trunk', label: 'A trunk', hint: 'The way to your carrier' },
            ]}
            onChange={setSubject}
          />
          <SubjectField subject={subject} number={number} trunk={trunk} onChange={setQuery} />
          <div>
            <Button type="submit" kind="primary" icon="pulse" busy={running.busy} disabled={!isReady}>
              Run diagnosis
            </Button>
          </div>
        </div>
      </form>
      {running.problem !== undefined && <ProblemNotice problem={running.problem} />}
      {diagnosis !== undefined && !running.busy ? (
        <Result diagnosis={diagnosis} />
      ) : (
        running.problem === undefined && (
          <Empty icon="pulse" title={running.busy ? 'Looking' : 'Nothing looked at yet'}>
            {running.busy
              ? 'Names are looked up, carriers are asked, agents are reached. This takes some seconds.'
              : 'Each step says what was seen, and what to change where something is wrong.'}
          </Empty>
        )
      )}
    </Page>
  );
}

interface SubjectFieldProps {
  readonly subject: Subject;
  readonly number: string;
  readonly trunk: string;
  onChange(change: Readonly<Record<string, string>>): void;
}

function SubjectField({ subject, number, trunk, onChange }: SubjectFieldProps) {
  const { id } = useWorkspace();
  const numbers = useSomeNumbers(id).items;
  const trunks = useTrunks(id).items;
  if (subject === 'number')
    return (
      <>
        <Field label="Number" hint="Choose one, or type any other with + and country code">
          <TextInput
            list="diagnosis-numbers"
            className="mono"
            inputMode="tel"
            placeholder="+12025550100"
            value={number}
            onChange={(event) => onChange({ number: event.target.value, trunk: '' })}
          />
        </Field>
        <datalist id="diagnosis-numbers">
          {numbers.map(({ e164 }) => (
            <option key={e164} value={e164}>
              {readable(e164)}
            </option>
          ))}
        </datalist>
      </>
    );
  if (subject === 'trunk')
    return (
      <Field label="Trunk">
        <Select
          value={trunk}
          options={[
            { value: '', label: 'Choose a trunk' },
            ...trunks.map(({ id: trunkId, label }) => ({ value: trunkId, label })),
          ]}
          onChange={(event) => onChange({ trunk: event.target.value, number: '' })}
        />
      </Field>
    );
  return null;
}

const RESULT: Readonly<Record<Diagnosis['state'], { readonly tone: Tone; readonly title: string }>> = {
  ok: { tone: 'good', title: 'Everything is as it should be' },
  warning: { tone: 'warn', title: 'It works, and something should be looked at' },
  failed: { tone: 'bad', title: 'Something is wrong' },
};
const STATES: Readonly<Record<DiagnosisStep['state'], StepState>> = {
  ok: 'good',
  failed: 'bad',
  warning: 'warn',
  skipped: 'skipped',
};

function Result({ diagnosis }: { readonly diagnosis: Diagnosis }) {
  const { tone, title } = RESULT[diagnosis.state];
  const wrong = diagnosis.steps.filter(({ state }) => state === 'failed' || state === 'warning').length;
  return (
    <div className="stack" role="status">
      <Notice tone={tone} title={title}>
        {wrong === 0 ? '' : `${wrong} of ${diagnosis.steps.length} steps need you. `}
        Looked at <Time at={diagnosis.createdAt} /> within {durationText(diagnosis.durationMs)}.
      </Notice>
      <section className="card">
        <div className="card-body">
          <Steps of={diagnosis.steps.map(stepOf)} />
        </div>
      </section>
    </div>
  );
}

function stepOf({ step, subject, state, seen, advice }: DiagnosisStep): StepItem {
  return {
    title: `${sentence(step)}${subject === null ? '' : `: ${subject}`}`,
    state: STATES[state],
    text: seen,
    advice,
  };
}
