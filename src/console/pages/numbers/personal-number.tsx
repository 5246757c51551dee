// To come.

export function PersonalNumber(_props: { onClose(): void; onAdded(): void }) {
  return null;
}
