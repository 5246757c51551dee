// The node: is it well, what runs where, and what its metrics say.

import { useGet } from '../../api/hooks.ts';
import type { NodeInfo } from '../../api/resources.ts';
import { sentence } from '../../lib/words.ts';
import { useViewer } from '../../shell/context.ts';
import { Page } from '../../shell/page.tsx';
import { Badge, Loaded, Notice } from '../../ui/feedback.tsx';
import { Facts, Stats } from '../../ui/show.tsx';
import { Metrics } from './metrics.tsx';
import { RouteQuestion } from './route-question.tsx';
import { SipBans } from './sip-bans.tsx';

const POLL_MS = 5_000;

interface Ready {
  readonly ready: true;
  readonly checks?: Readonly<Record<string, boolean>>;
}

export function NodePage() {
  const { isOperator } = useViewer();
  const { data, error, reload } = useGet<NodeInfo>('/v1/node', POLL_MS);
  const ready = useGet<Ready>('/readyz', POLL_MS);
  return (
    <Page title="Node" lead="The gateway that serves this console.">
      <Loaded data={data} error={error} retry={reload}>
        {(node) => (
          <>
            {node.state === 'draining' && (
              <Notice tone="warn" title="This node is draining">
                It takes no new calls and stops when the last one has ended.
              </Notice>
            )}
            <Stats
              of={[
                {
                  label: 'State',
                  value: (
                    <Badge
                      tone={node.state === 'active' ? 'good' : 'warn'}
                      dot={node.state === 'active' ? 'pulse' : true}
                    >
                      {sentence(node.state)}
                    </Badge>
                  ),
                },
                {
                  label: 'Ready for calls',
                  value:
                    ready.error !== undefined ? (
                      <Badge tone="bad">No</Badge>
                    ) : (
                      <Badge tone={ready.data === undefined ? 'plain' : 'good'}>
                        {ready.data === undefined ? '…' : 'Yes'}
                      </Badge>
                    ),
                  ...(ready.error === undefined ? {} : { note: ready.error.detail ?? ready.error.title }),
                },
                ...(node.activeCalls === undefined ? [] : [{ label: 'Live calls', value: node.activeCalls }]),
                { label: 'Version', value: node.version },
              ]}
            />
            <div className="columns">
              <section className="card" aria-labelledby="engines">
                <div className="card-head">
                  <h2 id="engines">Engines</h2>
                </div>
                <div className="card-body">
                  <Facts
                    of={[
                      ['Node id', <code key="id">{node.id}</code>],
                      ['SIP', node.engines.sip],
                      ['WebRTC', node.engines.webrtc],
                      ['Books', node.engines.store],
                    ]}
                  />
                </div>
              </section>
              <section className="card" aria-labelledby="ports">
                <div className="card-head">
                  <h2 id="ports">Ports</h2>
                </div>
                <div className="card-body">
                  <Facts
                    of={Object.entries(node.ports).map(
                      ([name, port]) =>
                        [
                          portName(name),
                          port === null ? (
                            <span key={name} className="faint">
                              Off
                            </span>
                          ) : (
                            port
                          ),
                        ] as const,
                    )}
                  />
                </div>
              </section>
            </div>
            {isOperator && <Metrics />}
            {isOperator && <SipBans />}
            {isOperator && <RouteQuestion />}
          </>
        )}
      </Loaded>
    </Page>
  );
}

const PORT_NAMES: Readonly<Record<string, string>> = {
  http: 'HTTP (API and console)',
  sipUdp: 'SIP over UDP',
  sipTcp: 'SIP over TCP',
  sipTls: 'SIP over TLS',
  sipWs: 'SIP over WebSocket',
  sipWss: 'SIP over secure WebSocket',
};

function portName(name: string): string {
  return PORT_NAMES[name] ?? sentence(name);
}
