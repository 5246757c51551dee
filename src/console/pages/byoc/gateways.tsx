// The carrier's hosts: the lower priority is tried first, equal ones share calls by weight.

import { Button } from '../../ui/button.tsx';
import { TextInput } from '../../ui/field.tsx';
import { Icon } from '../../ui/icon.tsx';
import { type GatewayDraft, newGateway } from './trunk-draft.ts';

const GATEWAYS_MAX = 16;

interface GatewaysProps {
  readonly value: readonly GatewayDraft[];
  readonly error: string | undefined;
  onChange(value: readonly GatewayDraft[]): void;
}

export function Gateways({ value, error, onChange }: GatewaysProps) {
  const put = (key: number, change: Partial<GatewayDraft>): void =>
    onChange(value.map((gateway) => (gateway.key === key ? { ...gateway, ...change } : gateway)));
  return (
    <fieldset className="stack-s">
      <legend>SBC / FQDN of the carrier</legend>
      {value.map((gateway, index) => (
        <div className="gateway" key={gateway.key}>
          <TextInput
            className="mono"
            aria-label={`Host ${index + 1}`}
            aria-invalid={error !== undefined && index === 0}
            placeholder="sip.carrier.example"
            value={gateway.host}
            onChange={(event) => put(gateway.key, { host: event.target.value })}
          />
          <TextInput
            className="mono"
            aria-label={`Port of host ${index + 1}`}
            inputMode="numeric"
            placeholder="Port"
            value={gateway.port}
            onChange={(event) => put(gateway.key, { port: event.target.value })}
          />
          {value.length > 1 && (
            <>
              <TextInput
                className="mono"
                aria-label={`Priority of host ${index + 1}`}
                title="Priority: the lower one first"
                inputMode="numeric"
                value={gateway.priority}
                onChange={(event) => put(gateway.key, { priority: event.target.value })}
              />
              <TextInput
                className="mono"
                aria-label={`Weight of host ${index + 1}`}
                title="Weight among equal priorities"
                inputMode="numeric"
                value={gateway.weight}
                onChange={(event) => put(gateway.key, { weight: event.target.value })}
              />
              <Button
                kind="quiet"
                icon="trash"
                aria-label={`Remove host ${index + 1}`}
                onClick={() => onChange(value.filter(({ key }) => key !== gateway.key))}
              />
            </>
          )}
        </div>
      ))}
      {error !== undefined && (
        <span className="row small bad" role="alert">
          <Icon name="warning" /> {error}
        </span>
      )}
      <div className="row">
        <Button
          size="s"
          icon="plus"
          disabled={value.length >= GATEWAYS_MAX}
          onClick={() => onChange([...value, newGateway('', '', String(value.length + 1))])}
        >
          Add host
        </Button>
        <span className="small soft">
          {value.length > 1
            ? 'Host, port, priority (lower first), weight'
            : 'Without a port, the DNS of the host says where (SRV), else 5060, or 5061 with TLS'}
        </span>
      </div>
    </fieldset>
  );
}
