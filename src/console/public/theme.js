// Before the first paint: the theme that was chosen by hand, or that of the system, so that a dark page never flashes white.
(() => {
  const system = matchMedia('(prefers-color-scheme: dark)');
  const chosen = () => {
    try {
      return localStorage.getItem('callin.theme');
    } catch {
      // Storage is off: the system's theme holds.
      return null;
    }
  };
  const apply = () => {
    const theme = chosen();
    const isDark = theme === 'dark' || (theme !== 'light' && system.matches);
    document.documentElement.dataset.theme = isDark ? 'dark' : 'light';
    dispatchEvent(new Event('callin:theme'));
  };
  apply();
  system.addEventListener('change', apply);
})();
