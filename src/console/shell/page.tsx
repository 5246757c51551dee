// The head of every page: what it is, what can be done, and the title of the browser's tab. The heading takes the focus when the page
// is reached by a link, so that readers hear where they are.

import { type ReactNode, useEffect, useRef } from 'react';
import { Icon } from '../ui/icon.tsx';
import { Link, wasReachedByLink } from './history.ts';

interface PageProps {
  readonly title: string;
  readonly lead?: ReactNode;
  readonly back?: { readonly to: string; readonly label: string };
  readonly actions?: ReactNode;
  readonly children: ReactNode;
}

export function Page({ title, lead, back, actions, children }: PageProps) {
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    document.title = `${title} · Callin Edge`;
  }, [title]);
  useEffect(() => {
    if (wasReachedByLink() && document.activeElement?.closest('dialog') == null)
      heading.current?.focus({ preventScroll: true });
  }, []);
  return (
    <div className="page">
      <header className="page-head">
        <div>
          {back !== undefined && (
            <Link to={back.to} className="crumb">
              <Icon name="left" /> {back.label}
            </Link>
          )}
          <h1 ref={heading} tabIndex={-1}>
            {title}
          </h1>
          {lead !== undefined && <p className="lead">{lead}</p>}
        </div>
        {actions !== undefined && <div className="row">{actions}</div>}
      </header>
      {children}
    </div>
  );
}
