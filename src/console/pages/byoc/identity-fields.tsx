// How numbers come from a carrier, and who it is told calls: what carriers differ in, out of the way of those who need none of it.

import { byName, COUNTRY_CODES, countryName } from '../../lib/countries.ts';
import { Check, Field, Select, TextInput } from '../../ui/field.tsx';
import { Folded } from '../../ui/folded.tsx';
import type { IdentityDraft } from './identity-draft.ts';
import { advancedSet, CALLED, CALLER, CALLER_ID, FORMATS, HEADERS, inboundSet, outboundSet } from './identity-words.ts';
import type { DraftFieldsProps } from './trunk-form.tsx';

function countries(none: string) {
  return [
    { value: '', label: none },
    ...byName(COUNTRY_CODES).map((code) => ({ value: code, label: countryName(code) })),
  ];
}

const INBOUND = ['inbound.calledNumberFrom', 'inbound.callerNumberFrom', 'inbound.country', 'inbound.stripPrefix'];
const OUTBOUND = [
  'outbound.callerIdMode',
  'outbound.identityHeader',
  'outbound.fromDomain',
  'outbound.fromUser',
  'outbound.displayName',
  'outbound.numberFormat',
  'outbound.country',
  'outbound.techPrefix',
  'outbound.privacy',
];
const ADVANCED = ['outbound.diversion', 'outbound.authRealm', 'outbound.userPhone'];

export function InboundNumbers({ draft, set, wrong }: DraftFieldsProps) {
  return (
    <Folded title="How numbers come" set={inboundSet(draft)} isWrong={hasWrong(INBOUND, wrong)}>
      <div className="form-grid">
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
    </Folded>
  );
}

export function OutboundIdentity({ draft, set, wrong }: DraftFieldsProps) {
  return (
    <Folded title="How numbers are sent, and who calls" set={outboundSet(draft)} isWrong={hasWrong(OUTBOUND, wrong)}>
      <div className="form-grid">
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
      {wrong('outbound.privacy') !== undefined && (
        <p className="small bad" role="alert">
          {wrong('outbound.privacy')}
        </p>
      )}
    </Folded>
  );
}

export function OutboundAdvanced({ draft, set, wrong }: DraftFieldsProps) {
  return (
    <Folded title="Advanced" set={advancedSet(draft)} isWrong={hasWrong(ADVANCED, wrong)}>
      <div className="form-grid pairs">
        <Field
          label="Diversion"
          optional
          error={wrong('outbound.diversion')}
          hint="A number of yours that the carrier knows: lets a foreign caller id pass as a forwarded call"
        >
          <TextInput
            className="mono"
            inputMode="tel"
            placeholder="+15551234567"
            maxLength={32}
            value={draft.diversion}
            onChange={({ target }) => set({ diversion: target.value })}
          />
        </Field>
        <Field
          label="Sign-in realm"
          optional
          error={wrong('outbound.authRealm')}
          hint="The only realm that gets user name and password; empty: the first that asks"
        >
          <TextInput
            className="mono"
            maxLength={128}
            value={draft.authRealm}
            onChange={({ target }) => set({ authRealm: target.value })}
          />
        </Field>
      </div>
      <Check
        label="Add user=phone"
        hint="To SIP addresses that hold a number, for carriers that refuse calls without it."
        checked={draft.userPhone}
        onChange={(userPhone) => set({ userPhone })}
      />
    </Folded>
  );
}

function hasWrong(fields: readonly string[], wrong: DraftFieldsProps['wrong']): boolean {
  return fields.some((field) => wrong(field) !== undefined);
}
