// Icons, drawn on a 16 px grid with one stroke. Always beside words or with a label on what they are in: they are hidden from readers.

const PATHS = {
  hash: 'M6.5 2 5 14M11 2 9.5 14M2.5 5.5h11.5M2 10.5h11.5',
  trunk: 'M2 5h9M8.5 2.5 11 5 8.5 7.5M14 11H5M7.5 8.5 5 11l2.5 2.5',
  agent:
    'M4 6.5h8a1.5 1.5 0 0 1 1.5 1.5v4A1.5 1.5 0 0 1 12 13.5H4A1.5 1.5 0 0 1 2.5 12V8A1.5 1.5 0 0 1 4 6.5ZM8 6.5V3.5M8 2.5v.1M5.8 9.5v1M10.2 9.5v1',
  phone:
    'M5.2 2.5 6.7 5.7 5.3 7a8 8 0 0 0 3.7 3.7l1.3-1.4 3.2 1.5v2.2a1 1 0 0 1-1.1 1A11 11 0 0 1 2.5 3.6a1 1 0 0 1 1-1.1Z',
  hangup: 'M1.8 9.7c3.4-3.6 9-3.6 12.4 0l-1.6 1.9-2.7-1.2v-1.7a8 8 0 0 0-3.8 0v1.7l-2.7 1.2Z',
  wallet: 'M2.5 5h11v8h-11ZM2.5 5l8-2.5V5M11 9h.1',
  doc: 'M4 1.8h5.5L13 5.3v8.9H4ZM9.5 1.8v3.5H13M6.2 8.2h4.5M6.2 11h4.5',
  pulse: 'M1.5 8.5h3l2-5 3 9 2-4h3',
  node: 'M2.5 3h11v4h-11ZM2.5 9h11v4h-11ZM5 5h.1M5 11h.1',
  people:
    'M6 7.5a2.3 2.3 0 1 0 0-4.6 2.3 2.3 0 0 0 0 4.6ZM1.8 13.2c.3-2.6 2-3.9 4.2-3.9s3.9 1.3 4.2 3.9M10.5 3.2a2.2 2.2 0 0 1 0 4.1M11.7 9.6c1.5.4 2.4 1.7 2.6 3.6',
  key: 'M10.3 8.7a3.2 3.2 0 1 0-3-3l-5 5v2.5h2.5v-1.7h1.7V9.8h1.2ZM11 5h.1',
  search: 'M7 11.5a4.5 4.5 0 1 0 0-9 4.5 4.5 0 0 0 0 9ZM10.3 10.3l3.4 3.4',
  plus: 'M8 3v10M3 8h10',
  check: 'm3 8.5 3.2 3L13 4.5',
  cross: 'm4 4 8 8M12 4l-8 8',
  chevron: 'm4 6 4 4 4-4',
  right: 'm6 3.5 4.5 4.5L6 12.5',
  left: 'M10 3.5 5.5 8l4.5 4.5',
  copy: 'M5.5 5.5h7.7v7.7H5.5ZM3 10.5V2.8h7.5',
  more: 'M3.5 8h.1M8 8h.1M12.5 8h.1',
  warning: 'M8 2.3 14.3 13H1.7ZM8 6.5V9M8 11h.1',
  info: 'M8 14A6 6 0 1 0 8 2a6 6 0 0 0 0 12ZM8 7.5V11M8 5h.1',
  upload: 'M8 10.5v-8M5 5.2l3-2.9 3 2.9M2.5 10v3.5h11V10',
  download: 'M8 2.5v8M5 7.7l3 2.9 3-2.9M2.5 10v3.5h11V10',
  sun: 'M8 10.8a2.8 2.8 0 1 0 0-5.6 2.8 2.8 0 0 0 0 5.6ZM8 1.5v1.3M8 13.2v1.3M1.5 8h1.3M13.2 8h1.3M3.4 3.4l.9.9M11.7 11.7l.9.9M12.6 3.4l-.9.9M4.3 11.7l-.9.9',
  moon: 'M13.5 9.5A5.8 5.8 0 0 1 6.5 2.5a5.8 5.8 0 1 0 7 7Z',
  menu: 'M2.5 4.5h11M2.5 8h11M2.5 11.5h11',
  out: 'M6.5 2.5h-4v11h4M6 8h8M11 5l3 3-3 3',
  send: 'M14 2.2 7.2 9M14 2.2l-4.3 11.6-2.5-4.8-4.9-2.5Z',
  mic: 'M8 9.8a2 2 0 0 0 2-2V4a2 2 0 0 0-4 0v3.8a2 2 0 0 0 2 2ZM3.8 7.8a4.2 4.2 0 0 0 8.4 0M8 12v2',
  cart: 'M1.8 2.5h1.9l1.6 7.7h7l1.4-5.5H4.2M6 13.2h.1M11.5 13.2h.1',
  user: 'M8 8a2.7 2.7 0 1 0 0-5.4A2.7 2.7 0 0 0 8 8ZM3 13.8c.3-3 2.4-4.3 5-4.3s4.7 1.3 5 4.3',
  inbound: 'M13 3 4 12M4 5.5V12h6.5',
  outbound: 'M3 13l9-9M5.5 4H12v6.5',
  refresh: 'M13.5 8a5.5 5.5 0 1 1-1.7-4M13.5 1.8V4.5h-2.7',
  edit: 'M2.8 13.2l.6-3 7-7 2.4 2.4-7 7ZM9 4.6 11.4 7',
  trash: 'M3 4.5h10M6 4.5v-2h4v2M4.2 4.5l.6 9h6.4l.6-9M6.8 7v4M9.2 7v4',
} as const;

export type IconName = keyof typeof PATHS;

export function Icon({ name, label }: { readonly name: IconName; readonly label?: string }) {
  return (
    // biome-ignore lint/a11y/noSvgWithoutTitle: hidden, or named by its label.
    <svg
      className="icon"
      viewBox="0 0 16 16"
      fill="none"
      stroke="currentColor"
      strokeWidth="1.5"
      strokeLinecap="round"
      strokeLinejoin="round"
      {...(label === undefined ? { 'aria-hidden': true } : { role: 'img', 'aria-label': label })}
    >
      <path d={PATHS[name]} />
    </svg>
  );
}
