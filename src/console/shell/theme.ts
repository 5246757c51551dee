// Light or dark: as the system has it (theme.js) until it is chosen by hand. The choice is this browser's, and no secret.

import { useSyncExternalStore } from 'react';

const KEY = 'callin.theme';
const CHANGED = 'callin:theme';

function isDark(): boolean {
  return document.documentElement.dataset['theme'] === 'dark';
}

export function useTheme(): { readonly isDark: boolean; toggle(): void } {
  const dark = useSyncExternalStore(
    (changed) => {
      addEventListener(CHANGED, changed);
      return () => removeEventListener(CHANGED, changed);
    },
    () => isDark(),
  );
  return {
    isDark: dark,
    toggle() {
      const next = isDark() ? 'light' : 'dark';
      document.documentElement.dataset['theme'] = next;
      try {
        localStorage.setItem(KEY, next);
      } catch {
        // Storage is off: the choice holds until the page is loaded again.
      }
      dispatchEvent(new Event(CHANGED));
    },
  };
}
