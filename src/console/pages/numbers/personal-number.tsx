// A personal number: it is called, a code is spoken, the code is entered. Outbound only.

import { useEffect, useRef, useState } from 'react';
import { call } from '../../api/client.ts';
import { useEvents } from '../../api/events.ts';
import { type PageOf, useAction, useGet } from '../../api/hooks.ts';
import { newIdempotencyKey } from '../../api/request.ts';
import type { PersonalNumber as Personal } from '../../api/resources.ts';
import { refresh } from '../../api/store.ts';
import { byName, CALLING_CODES, countryName } from '../../lib/countries.ts';
import { readable, toE164 } from '../../lib/phone-number.ts';
import { useWorkspace } from '../../shell/context.ts';
import { Button } from '../../ui/button.tsx';
import { Dialog } from '../../ui/dialog.tsx';
import { Badge, Notice, ProblemNotice } from '../../ui/feedback.tsx';
import { Field, Select, TextInput } from '../../ui/field.tsx';
import { VerifyCode } from './verify-code.tsx';

interface PersonalNumberProps {
  onClose(): void;
  onAdded(): void;
}

export function PersonalNumber({ onClose, onAdded }: PersonalNumberProps) {
  const [current, setCurrent] = useState<Personal>();
  const latest = useGet<Personal>(current === undefined ? null : `/v1/personal-numbers/${current.id}`, 2_000).data;
  const shown = latest ?? current;
  useEvents((name, data) => {
    const { id } = data as Pick<Personal, 'id'>;
    if (name === 'personal_number' && id === current?.id) refresh(`/v1/personal-numbers/${id}`);
  });
  const isVerified = shown?.state === 'verified';
  const told = useRef(onAdded);
  told.current = onAdded;
  useEffect(() => {
    if (!isVerified) return;
    refresh('/v1/numbers', '/v1/personal-numbers?');
    told.current();
  }, [isVerified]);
  return (
    <Dialog title="Add personal number" onClose={onClose}>
      {shown === undefined ? (
        <EnterNumber onStarted={setCurrent} />
      ) : isVerified ? (
        <div className="stack">
          <Notice tone="good" title={`${readable(shown.e164)} is verified`}>
            It can be shown as caller id of your outbound calls. It takes no inbound calls.
          </Notice>
          <div className="form-foot">
            <Button kind="primary" onClick={onClose}>
              Done
            </Button>
          </div>
        </div>
      ) : (
        <VerifyCode number={shown} onChange={setCurrent} onOther={() => setCurrent(undefined)} />
      )}
    </Dialog>
  );
}

const LANGUAGES = [
  { value: '', label: 'By the country' },
  { value: 'en', label: 'English' },
  { value: 'es', label: 'Spanish' },
  { value: 'de', label: 'German' },
  { value: 'fr', label: 'French' },
  { value: 'it', label: 'Italian' },
  { value: 'pt', label: 'Portuguese' },
];

function EnterNumber({ onStarted }: { onStarted(number: Personal): void }) {
  const { id: workspaceId } = useWorkspace();
  const [country, setCountry] = useState('US');
  const [typed, setTyped] = useState('');
  const [language, setLanguage] = useState('');
  const key = useRef(newIdempotencyKey());
  const e164 = toE164(typed, CALLING_CODES[country] ?? '');
  const starting = useAction((number: string) =>
    call('POST /v1/personal-numbers', {
      body: { workspaceId, e164: number, ...(language === '' ? {} : { language: language as Personal['language'] }) },
      idempotencyKey: key.current,
    }),
  );
  const start = async (): Promise<void> => {
    if (e164 === undefined) return;
    const started = await starting.run(e164);
    if (started === undefined) {
      key.current = newIdempotencyKey();
      return;
    }
    onStarted(started);
  };
  return (
    <form
      className="form"
      onSubmit={(event) => {
        event.preventDefault();
        void start();
      }}
    >
      <Notice tone="plain">
        Personal numbers are outbound only: you show yours when an agent calls somebody. For inbound calls use a
        purchased, imported or BYOC number.
      </Notice>
      <Waiting onContinue={onStarted} />
      <div className="form-grid">
        <Field label="Country">
          <Select
            value={country}
            options={byName(Object.keys(CALLING_CODES)).map((code) => ({
              value: code,
              label: `${countryName(code)} (+${CALLING_CODES[code] ?? ''})`,
            }))}
            onChange={(event) => setCountry(event.target.value)}
          />
        </Field>
        <Field
          label="Phone number"
          hint={e164 === undefined ? 'As you dial it, or with + and country code' : `We call ${readable(e164)}`}
        >
          <TextInput
            type="tel"
            inputMode="tel"
            autoComplete="tel"
            value={typed}
            onChange={(event) => setTyped(event.target.value)}
          />
        </Field>
        <Field label="Language of the call">
          <Select value={language} options={LANGUAGES} onChange={(event) => setLanguage(event.target.value)} />
        </Field>
      </div>
      {starting.problem !== undefined && <ProblemNotice problem={starting.problem} />}
      <div className="form-foot">
        <Button type="submit" kind="primary" icon="phone" busy={starting.busy} disabled={e164 === undefined}>
          Verify number
        </Button>
      </div>
    </form>
  );
}

/** Verifications that were begun before and can be gone on with. */
function Waiting({ onContinue }: { onContinue(number: Personal): void }) {
  const { id } = useWorkspace();
  const { data } = useGet<PageOf<Personal>>(`/v1/personal-numbers?workspaceId=${id}&limit=50`);
  const open = (data?.items ?? []).filter(({ state }) => state === 'pending');
  if (open.length === 0) return null;
  return (
    <ul className="stack-s">
      {open.map((number) => (
        <li key={number.id} className="spread">
          <span className="row">
            {readable(number.e164)} <Badge tone="warn">Code not entered yet</Badge>
          </span>
          <Button size="s" onClick={() => onContinue(number)}>
            Continue
          </Button>
        </li>
      ))}
    </ul>
  );
}
