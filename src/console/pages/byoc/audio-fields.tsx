// Audio of a trunk, both directions: how keys travel, and where packets may come from.

import type { Trunk } from '../../api/resources.ts';
import { useViewer } from '../../shell/context.ts';
import { Check, Field, Select } from '../../ui/field.tsx';
import type { DraftFieldsProps } from './trunk-form.tsx';

type Dtmf = Trunk['dtmf'];

const KEYS: Readonly<Record<Dtmf, { readonly label: string; readonly hint: string }>> = {
  auto: {
    label: 'Automatic',
    hint: 'Telephone events where both sides have them, else tones. Right for most carriers.',
  },
  rfc4733: {
    label: 'Telephone events (RFC 4733)',
    hint: 'Nothing else: keys cannot be sent to a carrier that has no telephone events.',
  },
  info: { label: 'SIP INFO', hint: 'As messages beside the audio, for carriers and PBXs that ask for it.' },
  inband: {
    label: 'Tones in the audio',
    hint: 'For carriers that know nothing else; tones in their audio are then listened for as well.',
  },
};
const OPTIONS = Object.entries(KEYS).map(([value, { label }]) => ({ value, label }));

export function AudioFields({ draft, set, wrong }: DraftFieldsProps) {
  const { canWrite } = useViewer();
  return (
    <fieldset className="card" disabled={!canWrite}>
      <div className="card-head">
        <h2>Audio</h2>
        <span className="small soft">Both directions</span>
      </div>
      <div className="card-body form">
        <Field label="Keys (DTMF) to the carrier" error={wrong('dtmf')} hint={KEYS[draft.dtmf].hint}>
          <Select value={draft.dtmf} options={OPTIONS} onChange={({ target }) => set({ dtmf: target.value as Dtmf })} />
        </Field>
        <Check
          label="Carrier is behind NAT"
          hint="Audio may come from another address than it says"
          checked={draft.natAllowed}
          onChange={(natAllowed) => set({ natAllowed })}
        />
      </div>
    </fieldset>
  );
}
