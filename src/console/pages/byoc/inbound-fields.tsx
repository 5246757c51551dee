// From the carrier to us: our address to give to it, where its calls come from, and how it is recognised.

import type { MediaEncryption, Transport } from '../../api/resources.ts';
import { useTrunks } from '../../api/named.ts';
import { wordsOf } from '../../lib/words.ts';
import { useViewer, useWorkspace } from '../../shell/context.ts';
import { Check, Field, SecretInput, Select, TextArea, TextInput } from '../../ui/field.tsx';
import { Address } from '../../ui/show.tsx';
import { InboundNumbers } from './identity-fields.tsx';
import type { DraftFieldsProps } from './trunk-form.tsx';

export const ENCRYPTION: readonly { readonly value: MediaEncryption; readonly label: string }[] = [
  { value: 'off', label: 'Off (RTP)' },
  { value: 'optional', label: 'Optional' },
  { value: 'required', label: 'Required (SRTP)' },
];

const TRANSPORTS = [
  { value: '', label: 'Any of ours' },
  { value: 'udp', label: 'UDP' },
  { value: 'tcp', label: 'TCP' },
  { value: 'tls', label: 'TLS' },
];

export function InboundFields({ draft, stored, set, wrong }: DraftFieldsProps) {
  const { canWrite } = useViewer();
  return (
    <fieldset className="card" disabled={!canWrite}>
      <div className="card-head">
        <h2>Inbound</h2>
        <span className="small soft">From your carrier to us</span>
      </div>
      <div className="card-body form">
        <OurAddress stored={stored} />
        <Field
          label="Your carrier’s addresses"
          error={wrong('inbound.addresses')}
          hint="IP addresses, CIDR blocks or host names, one per line. Host names are looked up again and again."
        >
          <TextArea
            className="mono"
            placeholder={'203.0.113.10\n198.51.100.0/28\nsip.carrier.example'}
            value={draft.addresses}
            onChange={(event) => set({ addresses: event.target.value })}
          />
        </Field>
        <div className="form-grid">
          <Field label="Transport" error={wrong('inbound.transport')}>
            <Select
              value={draft.inboundTransport}
              options={TRANSPORTS}
              onChange={(event) => set({ inboundTransport: event.target.value as Transport | '' })}
            />
          </Field>
          <Field label="Media encryption" error={wrong('inbound.mediaEncryption')}>
            <Select
              value={draft.inboundEncryption}
              options={ENCRYPTION}
              onChange={(event) => set({ inboundEncryption: event.target.value as MediaEncryption })}
            />
          </Field>
        </div>
        <InboundNumbers draft={draft} stored={stored} set={set} wrong={wrong} />
        <Check
          label="The carrier signs in with user name and password"
          hint="Most carriers are recognised by their addresses alone and need no credentials."
          checked={draft.inboundDigest}
          onChange={(inboundDigest) => set({ inboundDigest })}
        />
        {draft.inboundDigest && (
          <div className="form-grid">
            <Field label="User name" error={wrong('inbound.auth.username')}>
              <TextInput
                className="mono"
                value={draft.inboundUsername}
                onChange={(event) => set({ inboundUsername: event.target.value })}
              />
            </Field>
            <Field
              label="Password"
              error={wrong('inbound.auth.password')}
              {...(stored?.inbound.auth?.passwordSet === true ? { hint: 'One is set. Leave empty to keep it.' } : {})}
            >
              <SecretInput
                value={draft.inboundPassword}
                placeholder={stored?.inbound.auth?.passwordSet === true ? '••••••••' : ''}
                onChange={(event) => set({ inboundPassword: event.target.value })}
              />
            </Field>
          </div>
        )}
      </div>
    </fieldset>
  );
}

/** The same for every trunk: where none is saved yet, another one knows it. */
function OurAddress({ stored }: Pick<DraftFieldsProps, 'stored'>) {
  const { id } = useWorkspace();
  const { items } = useTrunks(id);
  const sbc = (stored ?? items[0])?.inbound.sbc ?? [];
  return (
    <div className="field">
      <span className="label">Our address</span>
      {sbc.length === 0 ? (
        <p className="soft small">It is shown here once the trunk is saved.</p>
      ) : (
        <div className="form-grid">
          {sbc.map(({ host, port, transport }) => (
            <div key={transport} className="stack-s">
              <Address text={`${host}:${port}`} label={`our address for ${wordsOf(transport)}`} />
              <span className="tiny faint">{wordsOf(transport)}</span>
            </div>
          ))}
        </div>
      )}
      <span className="hint">Give this to your carrier as the destination of your numbers (Inbound SBC / FQDN).</span>
    </div>
  );
}
