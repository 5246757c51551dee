// How numbers come from a carrier, and who it is told calls: what carriers differ in, out of the way of those who need none of it.

import { byName, COUNTRY_CODES, countryName } from '../../lib/countries.ts';
import { Check, Field, Select, TextInput } from '../../ui/field.tsx';
import type { IdentityDraft } from './identity-draft.ts';
import type { DraftFieldsProps } from './trunk-form.tsx';

const CALLED = [
  { value: 'request_uri', label: 'Request-URI' },
  { value: 'to', label: 'To' },
  { value: 'p_called_party_id', label: 'P-Called-Party-ID' },
  { value: 'diversion', label: 'Diversion' },
];
const CALLER = [
  { value: 'from', label: 'From' },
  { value: 'asserted', label: 'P-Asserted-Identity, else From' },
];
const CALLER_ID = [
  { value: 'from_and_pai', label: 'From and the header below' },
  { value: 'from', label: 'From only' },
  { value: 'pai', label: 'The header below only' },
];
const HEADERS = [
  { value: 'p_asserted_identity', label: 'P-Asserted-Identity' },
  { value: 'p_preferred_identity', label: 'P-Preferred-Identity' },
  { value: 'remote_party_id', label: 'Remote-Party-ID' },
];
const FORMATS = [
  { value: 'e164', label: '+12025550100' },
  { value: 'digits', label: '12025550100' },
  { value: '00', label: '0012025550100' },
  { value: 'national', label: 'National' },
];

function countries(none: string) {
  return [
    { value: '', label: none },
    ...byName(COUNTRY_CODES).map((code) => ({ value: code, label: countryName(code) })),
  ];
}

export function InboundNumbers({ draft, set, wrong }: DraftFieldsProps) {
  return (
    <details>
      <summary className="strong">How numbers come</summary>
      <div className="form-grid" style={{ marginTop: '0.75rem' }}>
        <Field label="Called number in" error={wrong('inbound.calledNumberFrom')}>
          <Select
            value={draft.calledNumberFrom}
            options={CALLED}
            onChange={({ target }) => set({ calledNumberFrom: target.value as IdentityDraft['calledNumberFrom'] })}
          />
        </Field>
        <Field label="Caller’s number in" error={wrong('inbound.callerNumberFrom')}>
          <Select
            value={draft.callerNumberFrom}
            options={CALLER}
            onChange={({ target }) => set({ callerNumberFrom: target.value as IdentityDraft['callerNumberFrom'] })}
          />
        </Field>
        <Field label="National numbers of" error={wrong('inbound.country')}>
          <Select
            value={draft.inboundCountry}
            options={countries('None: numbers have their country code')}
            onChange={({ target }) => set({ inboundCountry: target.value })}
          />
        </Field>
        <Field label="Prefix" optional error={wrong('inbound.stripPrefix')} hint="Taken off before a number">
          <TextInput
            className="mono"
            inputMode="tel"
            maxLength={16}
            value={draft.stripPrefix}
            onChange={({ target }) => set({ stripPrefix: target.value })}
          />
        </Field>
      </div>
    </details>
  );
}

export function OutboundIdentity({ draft, set, wrong }: DraftFieldsProps) {
  return (
    <details>
      <summary className="strong">How numbers are sent, and who calls</summary>
      <div className="form-grid" style={{ marginTop: '0.75rem' }}>
        <Field label="Caller id in" error={wrong('outbound.callerIdMode')}>
          <Select
            value={draft.callerIdMode}
            options={CALLER_ID}
            onChange={({ target }) => set({ callerIdMode: target.value as IdentityDraft['callerIdMode'] })}
          />
        </Field>
        <Field label="Header" error={wrong('outbound.identityHeader')}>
          <Select
            value={draft.identityHeader}
            options={HEADERS}
            onChange={({ target }) => set({ identityHeader: target.value as IdentityDraft['identityHeader'] })}
          />
        </Field>
        <Field label="From domain" optional error={wrong('outbound.fromDomain')} hint="Empty for our own address">
          <TextInput
            className="mono"
            maxLength={253}
            value={draft.fromDomain}
            onChange={({ target }) => set({ fromDomain: target.value })}
          />
        </Field>
        <Field label="From user" optional error={wrong('outbound.fromUser')} hint="In place of the number">
          <TextInput
            className="mono"
            maxLength={128}
            value={draft.fromUser}
            onChange={({ target }) => set({ fromUser: target.value })}
          />
        </Field>
        <Field label="Display name" optional error={wrong('outbound.displayName')}>
          <TextInput
            maxLength={64}
            value={draft.displayName}
            onChange={({ target }) => set({ displayName: target.value })}
          />
        </Field>
        <Field label="Format" error={wrong('outbound.numberFormat')}>
          <Select
            value={draft.numberFormat}
            options={FORMATS}
            onChange={({ target }) => set({ numberFormat: target.value as IdentityDraft['numberFormat'] })}
          />
        </Field>
        {draft.numberFormat === 'national' && (
          <Field label="Country" error={wrong('outbound.country')}>
            <Select
              value={draft.outboundCountry}
              options={countries('Which one?')}
              onChange={({ target }) => set({ outboundCountry: target.value })}
            />
          </Field>
        )}
        <Field label="Tech prefix" optional error={wrong('outbound.techPrefix')} hint="Put before the called number">
          <TextInput
            className="mono"
            inputMode="tel"
            maxLength={16}
            value={draft.techPrefix}
            onChange={({ target }) => set({ techPrefix: target.value })}
          />
        </Field>
      </div>
      <Check
        label="Hide the number from the called party"
        hint="The carrier still gets it, in the header above."
        checked={draft.hidden}
        onChange={(hidden) => set({ hidden })}
      />
    </details>
  );
}
