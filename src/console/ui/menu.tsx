// A button with a list of things to do (WAI-ARIA menu button): arrows move, Escape closes and gives the focus back. The list is in the browser's top
// layer, so that no table cuts it off.

import { type KeyboardEvent, type ReactNode, useEffect, useId, useLayoutEffect, useRef, useState } from 'react';
import { Button, type ButtonProps } from './button.tsx';
import { Icon, type IconName } from './icon.tsx';

export interface MenuEntry {
  readonly label: string;
  readonly hint?: ReactNode;
  readonly icon?: IconName;
  readonly disabled?: boolean;
  onChoose(): void;
}

const GAP_PX = 4;

interface MenuProps {
  readonly label: string;
  readonly entries: readonly MenuEntry[];
  readonly button?: Omit<ButtonProps, 'onClick' | 'children'>;
  /** Only the icon is shown; the label is for readers. */
  readonly iconOnly?: boolean;
  readonly align?: 'left' | 'right';
}

export function Menu({ label, entries, button = {}, iconOnly = false, align = 'right' }: MenuProps) {
  const [open, setOpen] = useState(false);
  const root = useRef<HTMLDivElement>(null);
  const list = useRef<HTMLDivElement>(null);
  const id = useId();

  useLayoutEffect(() => {
    const [anchor, shown] = [root.current, list.current];
    if (!open || anchor === null || shown === null) return undefined;
    shown.showPopover();
    place(shown, anchor, align);
    // It goes where its button goes, and away with it.
    const follow = (): void => {
      const { top, bottom } = anchor.getBoundingClientRect();
      if (bottom < 0 || top > innerHeight) setOpen(false);
      else place(shown, anchor, align);
    };
    addEventListener('scroll', follow, { capture: true, passive: true });
    addEventListener('resize', follow);
    return () => {
      removeEventListener('scroll', follow, { capture: true });
      removeEventListener('resize', follow);
    };
  }, [open, align]);

  useEffect(() => {
    if (!open) return undefined;
    items(root.current)[0]?.focus({ preventScroll: true });
    const close = (event: PointerEvent): void => {
      if (!(event.target instanceof Node) || !root.current?.contains(event.target)) setOpen(false);
    };
    document.addEventListener('pointerdown', close);
    return () => document.removeEventListener('pointerdown', close);
  }, [open]);

  const shut = (): void => {
    setOpen(false);
    root.current?.querySelector('button')?.focus();
  };
  const onKeyDown = (event: KeyboardEvent): void => {
    if (!open) return;
    const all = items(root.current);
    const at = all.indexOf(document.activeElement as HTMLElement);
    const next = { ArrowDown: at + 1, ArrowUp: at - 1 + all.length, Home: 0, End: all.length - 1 }[event.key];
    if (event.key === 'Escape') shut();
    else if (event.key === 'Tab') return setOpen(false);
    else if (next !== undefined) all[next % all.length]?.focus();
    else return;
    event.preventDefault();
  };

  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: the keys are those of the buttons inside.
    <div className="menu" ref={root} onKeyDown={onKeyDown}>
      <Button
        {...button}
        aria-haspopup="menu"
        aria-expanded={open}
        {...(open ? { 'aria-controls': id } : {})}
        {...(iconOnly ? { 'aria-label': label } : {})}
        onClick={() => setOpen(!open)}
      >
        {iconOnly ? undefined : label}
      </Button>
      {open && (
        <div ref={list} popover="manual" className="menu-list" role="menu" id={id} aria-label={label}>
          {entries.map((entry) => (
            <button
              type="button"
              role="menuitem"
              tabIndex={-1}
              className="menu-item"
              key={entry.label}
              aria-disabled={entry.disabled === true}
              onClick={() => {
                if (entry.disabled === true) return;
                shut();
                entry.onChoose();
              }}
            >
              {entry.icon !== undefined && <Icon name={entry.icon} />}
              <span>
                {entry.label}
                {entry.hint !== undefined && <span className="hint">{entry.hint}</span>}
              </span>
            </button>
          ))}
        </div>
      )}
    </div>
  );
}

/** Under its button, or above it where there is no room; inside the window in any case. */
function place(list: HTMLElement, anchor: HTMLElement, align: 'left' | 'right'): void {
  const button = anchor.getBoundingClientRect();
  const { width, height } = list.getBoundingClientRect();
  const left = align === 'right' ? button.right - width : button.left;
  const below = button.bottom + GAP_PX;
  const top = below + height > innerHeight && button.top - height - GAP_PX > 0 ? button.top - height - GAP_PX : below;
  list.style.left = `${Math.max(GAP_PX, Math.min(left, innerWidth - width - GAP_PX))}px`;
  list.style.top = `${top}px`;
}

function items(root: HTMLElement | null): HTMLElement[] {
  return [...(root?.querySelectorAll<HTMLElement>('[role=menuitem]') ?? [])];
}
