// Importing numbers from an account at Twilio or Telnyx: connect, look, choose, import.

import { useWorkspace } from '../../shell/context.ts';
import { Link } from '../../shell/history.ts';
import { Page } from '../../shell/page.tsx';
import { Empty, ProblemNotice, Waiting } from '../../ui/feedback.tsx';
import { AccountCard } from '../accounts/account-card.tsx';
import { AccountNumbers } from '../accounts/account-numbers.tsx';
import { type AccountView, useAccount } from '../accounts/account.ts';
import { ConnectAccount } from '../accounts/connect-account.tsx';
import { SetupCard } from '../accounts/setup-card.tsx';

export function TwilioPage() {
  const { id, at } = useWorkspace();
  const view = useAccount(id, 'twilio');
  return (
    <Page
      title="Import from Twilio"
      lead="Numbers you have at Twilio stay there and are connected to us by an Elastic SIP trunk."
      back={{ to: at('/numbers'), label: 'Numbers' }}
    >
      <Account view={view}>
        <div style={{ maxWidth: '34rem' }}>
          <ConnectAccount provider="twilio" action="Search Twilio numbers" />
        </div>
      </Account>
    </Page>
  );
}

export function TelnyxPage() {
  const { id, at } = useWorkspace();
  const view = useAccount(id, 'telnyx');
  return (
    <Page
      title="Add Telnyx numbers"
      lead="Active numbers of the Telnyx account that is connected under BYOC."
      back={{ to: at('/numbers'), label: 'Numbers' }}
    >
      <Account view={view}>
        <Empty
          icon="trunk"
          title="Telnyx is not connected yet"
          action={
            <Link to={at('/byoc')} query={{ tab: 'telnyx' }} className="button primary">
              Connect Telnyx
            </Link>
          }
        >
          Connect it with an API key under BYOC; its active numbers can be added here from then on.
        </Empty>
      </Account>
    </Page>
  );
}

/** The children stand where there is no account yet. */
function Account({ view, children }: { readonly view: AccountView; readonly children: React.ReactNode }) {
  const { account, waiting, error, reload } = view;
  if (waiting) return <Waiting />;
  if (account === undefined) return error === undefined ? children : <ProblemNotice problem={error} retry={reload} />;
  const { phase } = account.provisioning;
  return (
    <div className="aside">
      <AccountNumbers account={account} />
      <div className="stack">
        <AccountCard account={account} />
        {phase !== 'new' && <SetupCard account={account} />}
      </div>
    </div>
  );
}
