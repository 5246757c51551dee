// A page that fails takes nothing else with it: the navigation stays, and what happened is said.

import { Component, type ReactNode } from 'react';
import { Button } from '../ui/button.tsx';
import { Notice } from '../ui/feedback.tsx';

interface PageGuardProps {
  readonly children: ReactNode;
}

export class PageGuard extends Component<PageGuardProps, { readonly fault: Error | null }> {
  override state = { fault: null as Error | null };

  static getDerivedStateFromError(fault: Error): { readonly fault: Error } {
    return { fault };
  }

  override render(): ReactNode {
    const { fault } = this.state;
    if (fault === null) return this.props.children;
    // Files of an older version are gone once a newer one is served.
    const isOld = /dynamically imported module|Importing a module/.test(fault.message);
    return (
      <div className="page">
        <h1>{isOld ? 'A newer console is there' : 'This page failed'}</h1>
        <Notice
          tone={isOld ? 'info' : 'bad'}
          action={
            <Button size="s" onClick={() => location.reload()}>
              Load it again
            </Button>
          }
        >
          {isOld
            ? 'The gateway was updated while this page was open.'
            : `A fault of the console, not of your calls: ${fault.message}`}
        </Notice>
      </div>
    );
  }
}
