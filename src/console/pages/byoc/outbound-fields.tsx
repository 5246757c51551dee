// From us to the carrier: its hosts, how we sign in there, and where calls may go.

import type { MediaEncryption, Transport } from '../../api/resources.ts';
import { useViewer } from '../../shell/context.ts';
import { CountryPicker } from '../../ui/country-picker.tsx';
import { Check, Choices, Field, SecretInput, Select, TextInput } from '../../ui/field.tsx';
import { Gateways } from './gateways.tsx';
import { OutboundAdvanced, OutboundIdentity } from './identity-fields.tsx';
import { ENCRYPTION } from './inbound-fields.tsx';
import type { DraftFieldsProps } from './trunk-form.tsx';

const TRANSPORTS: readonly { readonly value: Transport | ''; readonly label: string }[] = [
  { value: 'udp', label: 'UDP' },
  { value: 'tcp', label: 'TCP' },
  { value: 'tls', label: 'TLS' },
  { value: '', label: 'As the DNS says' },
];
export function OutboundFields({ draft, stored, set, wrong }: DraftFieldsProps) {
  const { canWrite } = useViewer();
  const hasPassword = stored?.outbound.passwordSet === true;
  return (
    <fieldset className="card" disabled={!canWrite}>
      <div className="card-head">
        <h2>Outbound</h2>
        <span className="small soft">From us to your carrier</span>
      </div>
      <div className="card-body form">
        <Gateways
          value={draft.gateways}
          error={wrong('outbound.gateways')}
          onChange={(gateways) => set({ gateways })}
        />
        <div className="form-grid pairs">
          <Field label="Transport" error={wrong('outbound.transport')}>
            <Select
              value={draft.transport}
              options={TRANSPORTS}
              onChange={(event) => set({ transport: event.target.value as Transport | '' })}
            />
          </Field>
          <Field label="Media encryption" error={wrong('outbound.mediaEncryption')}>
            <Select
              value={draft.encryption}
              options={ENCRYPTION}
              onChange={(event) => set({ encryption: event.target.value as MediaEncryption })}
            />
          </Field>
          <Field label="User name" optional error={wrong('outbound.username')}>
            <TextInput
              className="mono"
              value={draft.username}
              onChange={(event) => set({ username: event.target.value })}
            />
          </Field>
          <Field
            label="Password"
            optional
            error={wrong('outbound.password')}
            {...(hasPassword ? { hint: 'One is set. Leave empty to keep it.' } : {})}
          >
            <SecretInput
              value={draft.password}
              placeholder={hasPassword ? '••••••••' : ''}
              onChange={(event) => set({ password: event.target.value })}
            />
          </Field>
        </div>
        <Check
          label="Register with the carrier"
          hint="For carriers that send calls to whoever is registered, and not to an address. Needs user name and password."
          checked={draft.register}
          onChange={(register) => set({ register })}
        />
        <Choices
          legend="Allowed countries"
          value={draft.worldwide ? 'worldwide' : 'list'}
          options={[
            { value: 'list', label: 'Only these', hint: 'Calls elsewhere are refused: the best guard against fraud' },
            { value: 'worldwide', label: 'Worldwide', hint: 'Wherever there is a rate' },
          ]}
          onChange={(value) => set({ worldwide: value === 'worldwide' })}
        />
        {!draft.worldwide && (
          <CountryPicker
            label="Countries that may be called"
            value={draft.countries}
            onChange={(countries) => set({ countries })}
          />
        )}
        <OutboundIdentity draft={draft} stored={stored} set={set} wrong={wrong} />
        <OutboundAdvanced draft={draft} stored={stored} set={set} wrong={wrong} />
      </div>
    </fieldset>
  );
}
