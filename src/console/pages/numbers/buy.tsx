// To come.

export function BuyPage() {
  return null;
}
