// Dialogs: the browser's own modal element, so that focus stays inside, Escape closes and the page behind is out of reach.

import { type ReactNode, useEffect, useId, useRef } from 'react';
import { Button, type ButtonProps } from './button.tsx';

interface DialogProps {
  readonly title: string;
  readonly children: ReactNode;
  readonly foot?: ReactNode;
  readonly wide?: boolean;
  onClose(): void;
}

/** The first thing to fill in; where there is none, the safe way out. */
const FIRST = '.dialog-body :is(input, select, textarea):not(:disabled), .dialog-foot button';

/** Rendered = open. */
export function Dialog({ title, children, foot, wide = false, onClose }: DialogProps) {
  const element = useRef<HTMLDialogElement>(null);
  const titleId = useId();
  useEffect(() => {
    const dialog = element.current;
    const before = document.activeElement;
    if (dialog !== null && !dialog.open) dialog.showModal();
    dialog?.querySelector<HTMLElement>(FIRST)?.focus();
    return () => {
      dialog?.close();
      if (before instanceof HTMLElement) before.focus();
    };
  }, []);
  return (
    <dialog
      ref={element}
      className={`dialog ${wide ? 'wide' : ''}`}
      aria-labelledby={titleId}
      onCancel={(event) => {
        event.preventDefault();
        onClose();
      }}
    >
      <div className="dialog-head">
        <h2 id={titleId}>{title}</h2>
        <Button kind="quiet" size="s" icon="cross" aria-label="Close" onClick={onClose} />
      </div>
      <div className="dialog-body">{children}</div>
      {foot !== undefined && <div className="dialog-foot">{foot}</div>}
    </dialog>
  );
}

interface FormFootProps extends Pick<ButtonProps, 'busy' | 'disabled' | 'icon' | 'kind' | 'children'> {
  /** Id of the form in the dialog. */
  readonly form: string;
  onCancel(): void;
}

/** Of a dialog with a form: the way out, and what sends the form. */
export function FormFoot({ form, onCancel, kind = 'primary', ...submit }: FormFootProps) {
  return (
    <>
      <Button onClick={onCancel}>Cancel</Button>
      <Button type="submit" form={form} kind={kind} {...submit} />
    </>
  );
}

interface ConfirmProps {
  readonly title: string;
  readonly children: ReactNode;
  readonly action: string;
  readonly busy: boolean;
  onConfirm(): void;
  onClose(): void;
}

/** Before what cannot be undone; the safe way out comes first. */
export function Confirm({ title, children, action, busy, onConfirm, onClose }: ConfirmProps) {
  return (
    <Dialog
      title={title}
      onClose={onClose}
      foot={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button kind="danger primary" busy={busy} onClick={onConfirm}>
            {action}
          </Button>
        </>
      }
    >
      <div className="stack">{children}</div>
    </Dialog>
  );
}
