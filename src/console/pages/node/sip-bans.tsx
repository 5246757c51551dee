// Who is not listened to on the SIP ports, and letting somebody in again.

import { useAction, useGet } from '../../api/hooks.ts';
import { request } from '../../api/request.ts';
import type { SipBan } from '../../api/types.ts';
import { sentence } from '../../lib/words.ts';
import { Button } from '../../ui/button.tsx';
import { Badge, Loaded, ProblemNotice } from '../../ui/feedback.tsx';
import { Time } from '../../ui/show.tsx';
import { sayDone } from '../../ui/toast.tsx';

const POLL_MS = 10_000;
const SHOWN_MAX = 50;

export function SipBans() {
  const { data, error, reload } = useGet<{ readonly items: readonly SipBan[] }>('/v1/sip-bans', POLL_MS);
  return (
    <section className="card" aria-labelledby="sip-bans">
      <div className="card-head">
        <h2 id="sip-bans">Banned on the SIP ports</h2>
      </div>
      <div className="card-body">
        <Loaded data={data} error={error} retry={reload} rows={2}>
          {({ items }) =>
            items.length === 0 ? (
              <p className="faint">
                Nobody. Who scans or floods the SIP ports is banned for a time, without anybody’s doing.
              </p>
            ) : (
              <Bans of={items} changed={reload} />
            )
          }
        </Loaded>
      </div>
    </section>
  );
}

function Bans({ of, changed }: { readonly of: readonly SipBan[]; readonly changed: () => void }) {
  const lifting = useAction(async (network: string) => {
    await request('DELETE', `/v1/sip-bans/${encodeURIComponent(network)}`);
    sayDone(`${network} is let in again`);
    changed();
  });
  return (
    <div className="stack">
      {lifting.problem !== undefined && <ProblemNotice problem={lifting.problem} />}
      <div className="table-wrap">
        <table className="table cards">
          <thead>
            <tr>
              <th scope="col">Source</th>
              <th scope="col">Why</th>
              <th scope="col">Until</th>
              <th scope="col">Turned away</th>
              <th scope="col">
                <span className="visually-hidden">Actions</span>
              </th>
            </tr>
          </thead>
          <tbody>
            {of.slice(0, SHOWN_MAX).map((ban) => (
              <tr key={`${ban.network} ${ban.way}`}>
                <td>
                  <code>{ban.network}</code> {ban.way === 'datagram' && <Badge>UDP only</Badge>}
                </td>
                <td>{sentence(ban.reason)}</td>
                <td>
                  <Time at={ban.until} />
                </td>
                <td>{ban.turnedAway.toLocaleString('en-US')}</td>
                <td>
                  <Button disabled={lifting.busy} onClick={() => void lifting.run(ban.network)}>
                    Let in
                  </Button>
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {of.length > SHOWN_MAX && <p className="faint">and {of.length - SHOWN_MAX} more</p>}
    </div>
  );
}
