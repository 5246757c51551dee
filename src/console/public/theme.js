// Before the first paint: the theme that was chosen by hand, so that a dark page never flashes white.
try {
  const theme = localStorage.getItem('callin.theme');
  if (theme === 'light' || theme === 'dark') document.documentElement.dataset.theme = theme;
} catch {
  // Storage is off: the system's theme holds.
}
