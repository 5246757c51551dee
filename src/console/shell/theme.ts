// Light, dark, or as the system has it. The choice is this browser's (no secret); theme.js applies it before the first paint.

import { useState } from 'react';

export type Theme = 'system' | 'light' | 'dark';
const KEY = 'callin.theme';

function stored(): Theme {
  const theme = document.documentElement.dataset['theme'];
  return theme === 'light' || theme === 'dark' ? theme : 'system';
}

export function useTheme(): { readonly isDark: boolean; toggle(): void } {
  const [theme, setTheme] = useState<Theme>(stored);
  const systemDark = matchMedia('(prefers-color-scheme: dark)').matches;
  const isDark = theme === 'dark' || (theme === 'system' && systemDark);
  return {
    isDark,
    toggle() {
      const next: Theme = isDark ? 'light' : 'dark';
      document.documentElement.dataset['theme'] = next;
      try {
        localStorage.setItem(KEY, next);
      } catch {
        // Storage is off: the choice holds until the page is loaded again.
      }
      setTheme(next);
    },
  };
}
