// One number in the list.

import type { Agent, PhoneNumber } from '../../api/resources.ts';
import { countryName } from '../../lib/countries.ts';
import { limitsText } from '../../lib/limits.ts';
import { wordsOf } from '../../lib/words.ts';
import { useWorkspace } from '../../shell/context.ts';
import { go } from '../../shell/history.ts';
import { Badge, type Tone } from '../../ui/feedback.tsx';
import { Select } from '../../ui/field.tsx';
import { Icon } from '../../ui/icon.tsx';
import { Menu } from '../../ui/menu.tsx';
import { Phone } from '../../ui/show.tsx';
import type { Assign } from './assign.ts';

const STATUS_TONE: Readonly<Record<PhoneNumber['status'], Tone>> = {
  active: 'good',
  pending: 'warn',
  released: 'plain',
};

export function NumberHead() {
  return (
    <div className="rows-head" role="row" aria-rowindex={1}>
      <span role="columnheader">Number</span>
      <span role="columnheader">Provider</span>
      <span role="columnheader">Status</span>
      <span role="columnheader">Directions, limits</span>
      <span role="columnheader">Agent</span>
      <span role="columnheader">
        <span className="visually-hidden">Actions</span>
      </span>
    </div>
  );
}

interface NumberRowProps {
  readonly number: PhoneNumber;
  readonly agents: readonly Agent[];
  readonly canWrite: boolean;
  readonly onAssign: Assign;
  onRemove(number: PhoneNumber): void;
  onSettings(number: PhoneNumber): void;
}

export function NumberRow({ number, agents, canWrite, onAssign, onRemove, onSettings }: NumberRowProps) {
  const { at } = useWorkspace();
  const released = number.status === 'released';
  const limits = limitsText(number.limits);
  return (
    <>
      <div role="cell" className="c-number">
        <Phone e164={number.e164} copy />
        <div className="tiny faint">
          {number.country === null ? '' : countryName(number.country)}
          {number.warnings
            .filter((warning) => warning !== 'not_assigned_to_agent')
            .map((warning) => (
              <span className="warn" key={warning}>
                {' '}
                · {wordsOf(warning)}
              </span>
            ))}
        </div>
      </div>
      <div role="cell" className="c-provider soft">
        {wordsOf(number.provider)}
        {limits !== null && <span className="narrow-only"> · {limits}</span>}
      </div>
      <div role="cell" className="c-status">
        <Badge tone={STATUS_TONE[number.status]} dot>
          {wordsOf(number.status)}
        </Badge>
      </div>
      <div role="cell" className="c-directions soft small">
        <DirectionWords number={number} />
        {limits !== null && <div className="tiny faint">{limits}</div>}
      </div>
      <div role="cell" className="c-agent">
        {released ? (
          <span className="faint">—</span>
        ) : (
          <AgentSelect number={number} agents={agents} disabled={!canWrite} onAssign={onAssign} />
        )}
      </div>
      <div role="cell" className="c-menu right">
        <Menu
          label={`Actions for ${number.e164}`}
          iconOnly
          button={{ kind: 'quiet', size: 's', icon: 'more' }}
          entries={[
            {
              label: 'Diagnose',
              icon: 'pulse',
              onChoose: () => go(at('/diagnosis'), { query: { number: number.e164 } }),
            },
            ...(canWrite && !released
              ? [
                  { label: 'Settings…', icon: 'edit' as const, onChoose: () => onSettings(number) },
                  {
                    label: number.provider === 'managed' ? 'Release…' : 'Remove…',
                    icon: 'trash' as const,
                    onChoose: () => onRemove(number),
                  },
                ]
              : []),
          ]}
        />
      </div>
    </>
  );
}

function DirectionWords({ number: { supportsInbound, supportsOutbound } }: { readonly number: PhoneNumber }) {
  if (supportsInbound && supportsOutbound) return <span>In and out</span>;
  if (!supportsInbound && !supportsOutbound) return <span>None</span>;
  return <span>{supportsInbound ? 'Inbound only' : 'Outbound only'}</span>;
}

interface AgentSelectProps {
  readonly number: PhoneNumber;
  readonly agents: readonly Agent[];
  readonly disabled: boolean;
  readonly onAssign: Assign;
}

/** The warning and what to do about it are one thing: the select itself. */
function AgentSelect({ number, agents, disabled, onAssign }: AgentSelectProps) {
  const isMissing = number.agentId === null;
  const known = agents.map(({ id, name }) => ({ value: id, label: name }));
  const current = number.agentId;
  const options = [
    { value: '', label: isMissing ? 'Not assigned to any agent' : 'Take off its agent' },
    ...(current !== null && !known.some(({ value }) => value === current) ? [{ value: current, label: current }] : []),
    ...known,
  ];
  return (
    <div className={isMissing ? 'row unassigned' : 'row'} style={{ flexWrap: 'nowrap' }}>
      {isMissing && (
        <span className="warn">
          <Icon name="warning" label="Warning" />
        </span>
      )}
      <Select
        aria-label={`Agent of ${number.e164}`}
        disabled={disabled}
        value={current ?? ''}
        options={options}
        onChange={({ target }) => {
          const agentId = target.value === '' ? null : target.value;
          onAssign(number, agentId, agents.find(({ id }) => id === agentId)?.name ?? '');
        }}
      />
    </div>
  );
}
