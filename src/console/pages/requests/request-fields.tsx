// Required information, field by field: each has its own Save, and says Pending until the gateway has taken it.

import { type FormEvent, useState } from 'react';
import { call } from '../../api/client.ts';
import { useAction } from '../../api/hooks.ts';
import type { NumberRequest, NumberRequirement } from '../../api/resources.ts';
import { Button } from '../../ui/button.tsx';
import { Badge } from '../../ui/feedback.tsx';
import { Field, SecretInput, Select, TextInput } from '../../ui/field.tsx';
import type { RequestPartProps } from './request.tsx';
import { isAsked } from './requirements.ts';

type Rule = NumberRequirement['fields'][number];

export function RequestFields({ request, requirement, canEdit, onChange }: RequestPartProps) {
  const savedOf = (name: string): string | null => request.fields[name]?.value ?? null;
  const asked = requirement.fields.filter((rule) => isAsked(rule, savedOf));
  return (
    <section className="card" aria-labelledby="information">
      <div className="card-head">
        <h2 id="information">Required information</h2>
      </div>
      <div className="card-body form">
        {asked.map((rule) => (
          <FieldRow key={rule.name} rule={rule} request={request} canEdit={canEdit} onChange={onChange} />
        ))}
      </div>
    </section>
  );
}

interface FieldRowProps extends Omit<RequestPartProps, 'requirement'> {
  readonly rule: Rule;
}

function FieldRow({ rule, request, canEdit, onChange }: FieldRowProps) {
  const state = request.fields[rule.name];
  const [typed, setTyped] = useState<string>();
  const stored = state?.value ?? '';
  const value = typed ?? stored;
  const isChanged = typed !== undefined && typed !== stored;
  const saving = useAction((text: string) =>
    call('PUT /v1/number-requests/{id}/fields/{name}', {
      params: { id: request.id, name: rule.name },
      body: { value: text.trim() === '' ? null : text },
    }),
  );
  const save = async (event: FormEvent): Promise<void> => {
    event.preventDefault();
    const changed = await saving.run(value);
    if (changed === undefined) return;
    setTyped(undefined);
    onChange(changed);
  };
  const refusal = saving.problem?.fields[0]?.message ?? saving.problem?.sentence;
  const error = refusal ?? (isChanged ? null : state?.problem);
  return (
    <form className="request-field" onSubmit={(event) => void save(event)}>
      <Field
        label={rule.label}
        optional={!rule.required}
        hint={
          rule.options.length > 0 ? rule.help : `${rule.help} ${rule.example === '' ? '' : `Example: ${rule.example}`}`
        }
        error={error}
      >
        <Control
          rule={rule}
          value={value}
          disabled={!canEdit}
          isSaved={state?.status === 'saved'}
          onChange={(text) => {
            setTyped(text);
            saving.clear();
          }}
        />
      </Field>
      <div className="request-field-side">
        <FieldMark state={state} isChanged={isChanged} />
        {canEdit && (
          <Button type="submit" size="s" busy={saving.busy} disabled={!isChanged}>
            Save
          </Button>
        )}
      </div>
    </form>
  );
}

function FieldMark({
  state,
  isChanged,
}: {
  readonly state: NumberRequest['fields'][string] | undefined;
  readonly isChanged: boolean;
}) {
  if (state?.status === 'saved' && !isChanged) return <Badge tone="good">Saved</Badge>;
  if (state?.status === 'invalid' && !isChanged) return <Badge tone="bad">Not valid</Badge>;
  return <Badge tone="warn">Pending</Badge>;
}

interface ControlProps {
  readonly rule: Rule;
  readonly value: string;
  readonly disabled: boolean;
  readonly isSaved: boolean;
  onChange(text: string): void;
}

const TYPES = { text: 'text', email: 'email', phone: 'tel', date: 'date' } as const;

/** `Field` gives it its id and what describes it. */
function Control({ rule, isSaved, onChange, ...given }: ControlProps) {
  const { name, options, secret, format, maxLength } = rule;
  const common = { ...given, name: `request-${name}` };
  if (options.length > 0)
    return (
      <Select
        {...common}
        options={[{ value: '', label: 'Choose…' }, ...options]}
        onChange={(event) => onChange(event.target.value)}
      />
    );
  if (secret)
    return (
      <SecretInput
        {...common}
        placeholder={isSaved ? '••••••••' : ''}
        onChange={(event) => onChange(event.target.value)}
      />
    );
  return (
    <TextInput
      {...common}
      type={TYPES[format]}
      maxLength={maxLength + 20}
      onChange={(event) => onChange(event.target.value)}
    />
  );
}
