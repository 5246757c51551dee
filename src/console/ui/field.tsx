// Fields of forms: a label that belongs to its control, a hint, and what the gateway or the page says is wrong with it.

import {
  cloneElement,
  type InputHTMLAttributes,
  isValidElement,
  type ReactElement,
  type ReactNode,
  type SelectHTMLAttributes,
  type TextareaHTMLAttributes,
  useId,
} from 'react';
import { Icon } from './icon.tsx';

interface ControlProps {
  readonly id?: string;
  readonly 'aria-describedby'?: string;
  readonly 'aria-invalid'?: boolean;
}

export interface FieldProps {
  readonly label: ReactNode;
  readonly hint?: ReactNode;
  readonly error?: string | null | undefined;
  readonly optional?: boolean;
  readonly hideLabel?: boolean;
  readonly children: ReactElement<ControlProps>;
}

export function Field({ label, hint, error, optional = false, hideLabel = false, children }: FieldProps) {
  const id = useId();
  const wrong = error !== undefined && error !== null && error !== '';
  const described = [hint === undefined ? '' : `${id}-hint`, wrong ? `${id}-error` : ''].filter((part) => part !== '');
  const control = isValidElement(children)
    ? cloneElement(children, {
        id,
        ...(described.length === 0 ? {} : { 'aria-describedby': described.join(' ') }),
        ...(wrong ? { 'aria-invalid': true } : {}),
      })
    : children;
  return (
    <div className="field">
      <label htmlFor={id} className={hideLabel ? 'visually-hidden' : ''}>
        {label} {optional && <span className="optional">(optional)</span>}
      </label>
      {control}
      {hint !== undefined && (
        <span className="hint" id={`${id}-hint`}>
          {hint}
        </span>
      )}
      {wrong && (
        <span className="error" id={`${id}-error`}>
          <Icon name="warning" />
          <span>{error}</span>
        </span>
      )}
    </div>
  );
}

export function TextInput({ className = '', ...rest }: InputHTMLAttributes<HTMLInputElement>) {
  return <input type="text" autoComplete="off" spellCheck={false} {...rest} className={`input ${className}`} />;
}

/** For what goes in and never comes out; managers of passwords are asked to leave it alone. */
export function SecretInput({ className = '', ...rest }: InputHTMLAttributes<HTMLInputElement>) {
  return (
    <input
      autoComplete="off"
      spellCheck={false}
      data-1p-ignore=""
      data-lpignore="true"
      {...rest}
      type="password"
      className={`input mono ${className}`}
    />
  );
}

export function TextArea({ className = '', ...rest }: TextareaHTMLAttributes<HTMLTextAreaElement>) {
  return <textarea rows={3} spellCheck={false} {...rest} className={`textarea ${className}`} />;
}

export interface Option {
  readonly value: string;
  readonly label: string;
  readonly disabled?: boolean;
}

export interface SelectProps extends SelectHTMLAttributes<HTMLSelectElement> {
  readonly options: readonly Option[];
}

export function Select({ options, className = '', ...rest }: SelectProps) {
  return (
    <select {...rest} className={`select ${className}`}>
      {options.map(({ value, label, disabled = false }) => (
        <option key={value} value={value} disabled={disabled}>
          {label}
        </option>
      ))}
    </select>
  );
}

export interface CheckProps {
  readonly label: ReactNode;
  readonly hint?: ReactNode;
  readonly checked: boolean;
  readonly disabled?: boolean;
  onChange(checked: boolean): void;
}

export function Check({ label, hint, checked, disabled = false, onChange }: CheckProps) {
  return (
    <label className="check">
      <input
        type="checkbox"
        checked={checked}
        disabled={disabled}
        onChange={(event) => onChange(event.target.checked)}
      />
      <span>
        {label}
        {hint !== undefined && <span className="hint">{hint}</span>}
      </span>
    </label>
  );
}

export interface ChoicesProps<Value extends string> {
  readonly legend: string;
  readonly value: Value;
  readonly options: readonly {
    readonly value: Value;
    readonly label: ReactNode;
    readonly hint?: ReactNode;
    readonly disabled?: boolean;
  }[];
  onChange(value: Value): void;
}

/** A few alternatives, all in sight. */
export function Choices<Value extends string>({ legend, value, options, onChange }: ChoicesProps<Value>) {
  const name = useId();
  return (
    <fieldset>
      <legend>{legend}</legend>
      <div className="choices">
        {options.map((option) => (
          <label className="choice" key={option.value}>
            <input
              type="radio"
              name={name}
              value={option.value}
              checked={option.value === value}
              disabled={option.disabled === true}
              onChange={() => onChange(option.value)}
            />
            <span className="strong">{option.label}</span>
            {option.hint !== undefined && <span className="small soft">{option.hint}</span>}
          </label>
        ))}
      </div>
    </fieldset>
  );
}

export function SearchInput({ label, ...rest }: InputHTMLAttributes<HTMLInputElement> & { readonly label: string }) {
  return (
    <div className="search">
      <Icon name="search" />
      <input {...rest} type="search" className="input" aria-label={label} autoComplete="off" spellCheck={false} />
    </div>
  );
}
