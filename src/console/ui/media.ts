// Whether the window is as narrow as a phone, where lists are drawn otherwise.

import { useSyncExternalStore } from 'react';

const narrow = matchMedia('(max-width: 860px)');

export function useNarrow(): boolean {
  return useSyncExternalStore(
    (changed) => {
      narrow.addEventListener('change', changed);
      return () => narrow.removeEventListener('change', changed);
    },
    () => narrow.matches,
  );
}
