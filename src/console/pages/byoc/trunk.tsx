// To come.

export function NewTrunkPage() {
  return null;
}
export function TrunkPage() {
  return null;
}
