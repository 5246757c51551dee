// Buttons: one primary per page or dialog, the rest plain or quiet. A busy one keeps its place and cannot be pressed twice.

import type { ButtonHTMLAttributes, ReactNode } from 'react';
import { Icon, type IconName } from './icon.tsx';

export interface ButtonProps extends Omit<ButtonHTMLAttributes<HTMLButtonElement>, 'children'> {
  readonly kind?: 'plain' | 'primary' | 'quiet' | 'danger' | 'danger primary';
  readonly size?: 's' | 'm' | 'l';
  readonly icon?: IconName;
  readonly busy?: boolean;
  readonly wide?: boolean;
  readonly children?: ReactNode;
}

export function Button({
  kind = 'plain',
  size = 'm',
  icon,
  busy = false,
  wide = false,
  type = 'button',
  disabled,
  children,
  className = '',
  ...rest
}: ButtonProps) {
  const classes = ['button', kind, size, children === undefined ? 'icon-only' : '', wide ? 'wide' : '', className];
  return (
    <button
      {...rest}
      type={type}
      className={classes.filter((name) => name !== '' && name !== 'plain' && name !== 'm').join(' ')}
      disabled={disabled === true || busy}
      aria-busy={busy}
    >
      {busy ? <span className="spinner" aria-hidden="true" /> : icon !== undefined && <Icon name={icon} />}
      {children}
    </button>
  );
}
