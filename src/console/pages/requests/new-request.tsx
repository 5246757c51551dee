// Beginning a request: country, type, new or porting. What it needs, costs and how long it takes is said before.

import { type FormEvent, useState } from 'react';
import { call } from '../../api/client.ts';
import { useAction } from '../../api/hooks.ts';
import type { NumberRequirement } from '../../api/resources.ts';
import { refresh } from '../../api/store.ts';
import { countryName } from '../../lib/countries.ts';
import { readNumbers } from '../../lib/phone-number.ts';
import { wordsOf } from '../../lib/words.ts';
import { useWorkspace } from '../../shell/context.ts';
import { go, useQuery } from '../../shell/history.ts';
import { Page } from '../../shell/page.tsx';
import { Button } from '../../ui/button.tsx';
import { Loaded, ProblemNotice } from '../../ui/feedback.tsx';
import { Choices, Field, Select, TextArea, TextInput } from '../../ui/field.tsx';
import { Facts, Money } from '../../ui/show.tsx';
import { requirementOf, useRequirements } from './requirements.ts';

type RequestType = NumberRequirement['requestType'];

export function NewRequestPage() {
  const { at } = useWorkspace();
  const { all, countries, loaded, error, reload } = useRequirements();
  return (
    <Page
      title="New request"
      lead="Say where and what for; the next page asks for exactly what that country wants."
      back={{ to: at('/requests'), label: 'Requests' }}
    >
      <Loaded data={loaded ? all : undefined} error={error} retry={reload}>
        {(requirements) => <Begin requirements={requirements} countries={countries} />}
      </Loaded>
    </Page>
  );
}

interface BeginProps {
  readonly requirements: readonly NumberRequirement[];
  readonly countries: readonly string[];
}

function Begin({ requirements, countries }: BeginProps) {
  const { id: workspaceId, at } = useWorkspace();
  const [query] = useQuery();
  const [country, setCountry] = useState(countries.find((code) => code === query['country']) ?? countries[0] ?? '');
  const [wantedType, setType] = useState('');
  const [wantedRequest, setRequest] = useState<RequestType>('new');
  const [quantity, setQuantity] = useState('1');
  const [ported, setPorted] = useState('');

  const inCountry = requirements.filter((each) => each.country === country);
  const types = [...new Map(inCountry.map(({ type, typeLabel }) => [type, typeLabel]))];
  const type = types.find(([name]) => name === wantedType)?.[0] ?? types[0]?.[0];
  const kinds = inCountry.filter((each) => each.type === type).map(({ requestType: kind }) => kind);
  const requestType = kinds.includes(wantedRequest) ? wantedRequest : kinds[0];
  const requirement =
    type === undefined || requestType === undefined
      ? undefined
      : requirementOf(requirements, { country, type, requestType });
  const { numbers, wrong } = readNumbers(ported);
  const isPorting = requestType === 'porting';
  const isReady =
    requirement !== undefined &&
    (isPorting ? numbers.length > 0 && wrong.length === 0 : /^[1-9]\d{0,2}$/.test(quantity));

  const beginning = useAction((wanted: NumberRequirement) =>
    call('POST /v1/number-requests', {
      body: {
        workspaceId,
        country: wanted.country,
        type: wanted.type,
        requestType: wanted.requestType,
        ...(isPorting ? { numbers } : { quantity: Number(quantity) }),
      },
    }),
  );
  const submit = async (event: FormEvent): Promise<void> => {
    event.preventDefault();
    if (requirement === undefined) return;
    const request = await beginning.run(requirement);
    if (request === undefined) return;
    refresh('/v1/number-requests');
    go(at(`/requests/${request.id}`));
  };

  return (
    <div className="aside">
      <form className="card card-body form" onSubmit={(event) => void submit(event)}>
        <Field label="Country">
          <Select
            value={country}
            options={countries.map((code) => ({ value: code, label: countryName(code) }))}
            onChange={(event) => setCountry(event.target.value)}
          />
        </Field>
        <Choices
          legend="Type of number"
          value={type ?? ''}
          options={types.map(([value, label]) => ({ value: value as string, label }))}
          onChange={setType}
        />
        <Choices<RequestType>
          legend="Request type"
          value={requestType ?? 'new'}
          options={[
            { value: 'new', label: 'New number', hint: 'One that nobody has yet', disabled: !kinds.includes('new') },
            {
              value: 'porting',
              label: 'Porting',
              hint: 'One you have at another carrier',
              disabled: !kinds.includes('porting'),
            },
          ]}
          onChange={setRequest}
        />
        {isPorting ? (
          <Field
            label="Numbers to port"
            hint="E.164, several by commas or line breaks"
            error={wrong.length === 0 ? null : `Not a number in E.164 form: ${wrong.join(', ')}`}
          >
            <TextArea className="mono" value={ported} onChange={(event) => setPorted(event.target.value)} />
          </Field>
        ) : (
          <div style={{ maxWidth: '10rem' }}>
            <Field label="How many">
              <TextInput inputMode="numeric" value={quantity} onChange={(event) => setQuantity(event.target.value)} />
            </Field>
          </div>
        )}
        {beginning.problem !== undefined && <ProblemNotice problem={beginning.problem} />}
        <div>
          <Button type="submit" kind="primary" busy={beginning.busy} disabled={!isReady}>
            Begin request
          </Button>
        </div>
      </form>
      {requirement !== undefined && <Needed requirement={requirement} />}
    </div>
  );
}

function Needed({ requirement }: { readonly requirement: NumberRequirement }) {
  const { fees, reviewDays, notes, fields, documents } = requirement;
  return (
    <section className="card" aria-labelledby="needed">
      <div className="card-head">
        <h2 id="needed">What it takes</h2>
      </div>
      <div className="card-body stack">
        <Facts
          of={[
            ['Activation', <Money key="activation" amount={fees.activation} currency={fees.currency} />],
            ['Monthly', <Money key="monthly" amount={fees.monthly} currency={fees.currency} />],
            ['Review', `${reviewDays.from} to ${reviewDays.to} working days`],
          ]}
        />
        <div className="stack-s">
          <h3>You are asked for</h3>
          <ul className="sentences">
            {fields
              .filter(({ required }) => required)
              .map(({ name, label, when }) => (
                <li key={name}>
                  {label}
                  {when === null ? '' : ' (depends on your answers)'}
                </li>
              ))}
            {documents.map(({ kind, label, required, when }) => (
              <li key={kind}>
                {label} (upload{required ? '' : ', if there is one'}
                {when === null ? '' : ', depends on your answers'})
              </li>
            ))}
          </ul>
        </div>
        {notes.length > 0 && (
          <ul className="sentences">
            {notes.map((note) => (
              <li key={note}>{note}</li>
            ))}
          </ul>
        )}
        <p className="small soft">
          {wordsOf(requirement.requestType)}. Fees are for each number and are paid from your balance before the review.
        </p>
      </div>
    </section>
  );
}
